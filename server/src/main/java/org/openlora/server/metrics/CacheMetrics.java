package org.openlora.server.metrics;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.ToDoubleFunction;

/// The adapter cache's counts, read when they are asked for.
final class CacheMetrics {
    private final MeterRegistry registry;
    private final CacheVitals cache;

    private CacheMetrics(MeterRegistry registry, CacheVitals cache) {
        this.registry = registry;
        this.cache = cache;
    }

    static void register(MeterRegistry registry, CacheVitals cache) {
        CacheMetrics metrics = new CacheMetrics(registry, cache);
        metrics.counter(
                "openlora_adapter_cache_hits",
                "Leases that found the adapter in memory or on its way there.",
                CacheVitals::hits);
        metrics.counter("openlora_adapter_cache_misses", "Leases that began a load.", CacheVitals::misses);
        metrics.counter(
                "openlora_adapter_corrupt", "Times that weights were found changed in memory.", CacheVitals::corrupt);
        metrics.gauge("openlora_adapter_registered", "Names that can be served.", CacheVitals::registered);
        metrics.gauge("openlora_adapter_leased", "Adapters that requests hold.", CacheVitals::leased);
        metrics.gauge("openlora_adapter_waiting", "Requests that wait for room or a load.", CacheVitals::waiting);
        cache.tiers().keySet().forEach(metrics::tier);
    }

    private void tier(String name) {
        gauge(
                "openlora_adapter_tier_capacity_bytes",
                "Bytes that a tier may hold.",
                name,
                CacheVitals.Tier::capacityBytes);
        gauge("openlora_adapter_tier_used_bytes", "Bytes that a tier holds.", name, CacheVitals.Tier::usedBytes);
        gauge("openlora_adapter_tier_adapters", "Adapters that a tier holds.", name, CacheVitals.Tier::adapters);
        FunctionCounter.builder(
                        "openlora_adapter_evictions",
                        cache,
                        vitals -> tier(vitals, name, CacheVitals.Tier::evictions))
                .description("Adapters that a tier put out to make room, or because it was told to.")
                .tag("tier", name)
                .register(registry);
    }

    private void gauge(String name, String description, String tier, ToDoubleFunction<CacheVitals.Tier> value) {
        Gauge.builder(name, cache, vitals -> tier(vitals, tier, value))
                .description(description)
                .tag("tier", tier)
                .strongReference(true)
                .register(registry);
    }

    private static double tier(CacheVitals cache, String name, ToDoubleFunction<CacheVitals.Tier> value) {
        CacheVitals.Tier tier = cache.tiers().get(name);
        return tier == null ? 0 : value.applyAsDouble(tier);
    }

    private void gauge(String name, String description, ToDoubleFunction<CacheVitals> value) {
        Gauge.builder(name, cache, value)
                .description(description)
                .strongReference(true)
                .register(registry);
    }

    private void counter(String name, String description, ToDoubleFunction<CacheVitals> value) {
        FunctionCounter.builder(name, cache, value).description(description).register(registry);
    }
}
