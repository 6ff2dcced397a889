package org.openlora.server.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.function.ToDoubleFunction;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.host.ResidencyEvent;
import org.openlora.adapters.host.ResidencyStats;
import org.openlora.adapters.store.StoreStats;

/// The adapter cache's counts, read when they are asked for, and the times of its loads.
final class CacheMetrics {
    private static final String CAPACITY = "Bytes that a tier may hold.";
    private static final String USED = "Bytes that a tier holds.";
    private static final String ADAPTERS = "Adapters that a tier holds.";
    private static final String EVICTIONS = "Adapters that a tier put out to make room.";
    private static final Duration[] LOADS = {
        Duration.ofMillis(1),
        Duration.ofMillis(2),
        Duration.ofMillis(5),
        Duration.ofMillis(10),
        Duration.ofMillis(20),
        Duration.ofMillis(50),
        Duration.ofMillis(100),
        Duration.ofMillis(200),
        Duration.ofMillis(500),
        Duration.ofSeconds(1),
        Duration.ofSeconds(5),
        Duration.ofSeconds(30),
    };

    private final MeterRegistry registry;
    private final CacheSources cache;
    private final Timer loads;

    private CacheMetrics(MeterRegistry registry, CacheSources cache) {
        this.registry = registry;
        this.cache = cache;
        this.loads = Timer.builder("vllm:lora_adapter_load")
                .description("From the start of an adapter's load until its weights are in memory.")
                .serviceLevelObjectives(LOADS)
                .register(registry);
    }

    static void register(MeterRegistry registry, CacheSources cache) {
        CacheMetrics metrics = new CacheMetrics(registry, cache);
        metrics.requests();
        metrics.disk();
        metrics.host();
        metrics.device();
        metrics.vllm();
        cache.residency().listen(metrics::happened);
    }

    private void happened(ResidencyEvent event) {
        switch (event) {
            case ResidencyEvent.Loaded loaded -> loads.record(loaded.took());
            case ResidencyEvent.Failed failed -> failed(failed.reason().code());
            case ResidencyEvent.Evicted _,
                    ResidencyEvent.Corrupt _,
                    ResidencyEvent.Pinned _,
                    ResidencyEvent.Unpinned _ -> {}
        }
    }

    private void failed(AdapterException.Code code) {
        Counter.builder("openlora_adapter_load_failures")
                .description("Loads that failed, by the reason.")
                .tag("code", code.name())
                .register(registry)
                .increment();
    }

    private void requests() {
        counter(
                "openlora_adapter_cache_hits",
                "Adapters that a request found in memory or on their way there.",
                ResidencyStats::hits);
        counter("openlora_adapter_cache_misses", "Adapters that were loaded for a request.", ResidencyStats::misses);
        counter(
                "openlora_adapter_corruptions",
                "Adapters whose weights in memory were found changed.",
                ResidencyStats::corruptions);
        counter(
                "openlora_adapter_scrubbed_bytes",
                "Bytes of weights in memory that were compared with their checksums.",
                ResidencyStats::scrubbedBytes);
        gauge("openlora_adapters_leased", "Adapters that requests hold.", ResidencyStats::leased);
        gauge("openlora_adapters_loading", "Adapters on their way into memory.", ResidencyStats::loading);
        gauge(
                "openlora_adapter_requests_waiting",
                "Requests that wait for an adapter: for room, a load or a slot.",
                ResidencyStats::waiting);
        Gauge.builder("openlora_adapters_registered", cache, sources -> sources.registry()
                        .stats()
                        .ready())
                .description("Names that can be served, of all tenants.")
                .strongReference(true)
                .register(registry);
    }

    private void disk() {
        disk("openlora_adapter_tier_capacity_bytes", CAPACITY, StoreStats::capacityBytes);
        disk("openlora_adapter_tier_used_bytes", USED, StoreStats::usedBytes);
        disk("openlora_adapter_tier_adapters", ADAPTERS, StoreStats::stored);
        FunctionCounter.builder("openlora_adapter_evictions", cache, sources -> sources.store()
                        .stats()
                        .evictions())
                .description(EVICTIONS)
                .tag("tier", "disk")
                .register(registry);
        FunctionCounter.builder("openlora_adapter_fetches", cache, sources -> sources.store()
                        .stats()
                        .fetched())
                .description("Adapters fetched from their origins.")
                .register(registry);
        FunctionCounter.builder("openlora_adapter_rejected", cache, sources -> sources.store()
                        .stats()
                        .rejected())
                .description("Adapters on disk that were found damaged and deleted.")
                .register(registry);
    }

    private void host() {
        tier("host", "openlora_adapter_tier_capacity_bytes", CAPACITY, ResidencyStats::hostBytes);
        tier("host", "openlora_adapter_tier_used_bytes", USED, ResidencyStats::hostUsedBytes);
        tier("host", "openlora_adapter_tier_adapters", ADAPTERS, ResidencyStats::resident);
        evictions("host", ResidencyStats::hostEvictions);
    }

    private void device() {
        tier("device", "openlora_adapter_tier_capacity_bytes", CAPACITY, ResidencyStats::deviceBytes);
        tier("device", "openlora_adapter_tier_used_bytes", USED, ResidencyStats::deviceUsedBytes);
        tier("device", "openlora_adapter_tier_adapters", ADAPTERS, ResidencyStats::slotted);
        evictions("device", ResidencyStats::deviceEvictions);
    }

    private void vllm() {
        gauge("vllm:num_gpu_loaded_lora_adapters", "Adapters in a slot of the device.", ResidencyStats::slotted);
        gauge("vllm:num_cpu_loaded_lora_adapters", "Adapters in host memory.", ResidencyStats::resident);
        Gauge.builder("vllm:max_gpu_lora_adapters", cache, CacheSources::deviceSlots)
                .description("Slots of the device: the most adapters that can be leased at once.")
                .strongReference(true)
                .register(registry);
    }

    private void gauge(String name, String description, ToDoubleFunction<ResidencyStats> value) {
        Gauge.builder(name, cache, sources -> value.applyAsDouble(sources.residency().stats()))
                .description(description)
                .strongReference(true)
                .register(registry);
    }

    private void tier(String tier, String name, String description, ToDoubleFunction<ResidencyStats> value) {
        Gauge.builder(name, cache, sources -> value.applyAsDouble(sources.residency().stats()))
                .description(description)
                .tag("tier", tier)
                .strongReference(true)
                .register(registry);
    }

    private void disk(String name, String description, ToDoubleFunction<StoreStats> value) {
        Gauge.builder(name, cache, sources -> value.applyAsDouble(sources.store().stats()))
                .description(description)
                .tag("tier", "disk")
                .strongReference(true)
                .register(registry);
    }

    private void counter(String name, String description, ToDoubleFunction<ResidencyStats> value) {
        FunctionCounter.builder(name, cache, sources -> value.applyAsDouble(sources.residency().stats()))
                .description(description)
                .register(registry);
    }

    private void evictions(String tier, ToDoubleFunction<ResidencyStats> value) {
        FunctionCounter.builder("openlora_adapter_evictions", cache, sources -> value.applyAsDouble(
                        sources.residency().stats()))
                .description(EVICTIONS)
                .tag("tier", tier)
                .register(registry);
    }
}
