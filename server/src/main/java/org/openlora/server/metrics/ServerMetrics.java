package org.openlora.server.metrics;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.openlora.engine.EngineStats;
import org.openlora.engine.model.LlamaModel;
import org.openlora.meter.Meter;
import org.openlora.meter.chain.FlusherMonitor;
import org.openlora.server.adapters.AdapterCache;
import org.openlora.server.serving.ProvisionalCounts;
import org.openlora.server.serving.Serving;
import org.openlora.server.serving.ServingStack;

/// What a server counts, and its text for Prometheus. `docs/metrics.md` lists the names, which are vLLM's where it has
/// one.
public final class ServerMetrics {
    private static final String OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    private static final String PLAIN = "text/plain; version=0.0.4; charset=utf-8";

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final ActiveAdapters active = new ActiveAdapters();
    private final RequestMetrics requests;
    /// Micrometer holds what it counts only weakly.
    private final List<Object> counted = new CopyOnWriteArrayList<>();
    private final InstantSource clock;

    /// @param model the name that the model is served under, a label of every series but those that gateways know
    ///     without it
    /// @param nanos a clock that only goes forward
    public ServerMetrics(String model, InstantSource clock, LongSupplier nanos) {
        this.clock = clock;
        registry.config().commonTags("model_name", model, "engine", "0");
        this.requests = new RequestMetrics(registry, active, nanos);
    }

    /// Metrics of a stack with its engine and its adapter cache.
    public static ServerMetrics of(ServingStack stack) {
        ServerMetrics metrics = new ServerMetrics(stack.model().name(), InstantSource.system(), System::nanoTime);
        metrics.watchEngine(stack::engineStats, LlamaModel.BLOCK_TOKENS);
        metrics.watchCache(stack.adapterCache());
        metrics.watchProvisional(stack::provisionalCounts);
        metrics.watchLedger(stack.meter());
        return metrics;
    }

    /// Counts an engine as well.
    ///
    /// @param blockTokens tokens of a key/value block
    void watchEngine(Supplier<EngineStats> engine, int blockTokens) {
        counted.add(engine);
        EngineMetrics.register(registry, engine);
        InfoSeries.register(
                registry.getPrometheusRegistry(),
                "vllm:cache_config_info",
                "How the key/value cache is cut.",
                () -> List.of(InfoSeries.cacheConfig(blockTokens, engine.get().totalBlocks())));
    }

    /// Counts an adapter cache as well.
    void watchCache(AdapterCache cache) {
        counted.add(cache);
        CacheMetrics.register(registry, cache);
        InfoSeries.register(
                registry.getPrometheusRegistry(),
                "vllm:lora_requests_info",
                "Adapters that requests run with and wait for; the value is the time, in seconds since the epoch.",
                () -> List.of(InfoSeries.loraRequests(cache.residency().slots().slots(), active, clock)));
        InfoSeries.register(
                registry.getPrometheusRegistry(),
                "vllm:lora_adapter_loaded",
                "Adapters in memory, each under each of its names: 1.",
                () -> InfoSeries.loaded(LoadedAdapter.all(cache)));
    }

    /// Counts what brings batches on chain as well.
    public void watchFlusher(FlusherMonitor monitor) {
        counted.add(monitor);
        FlusherMetrics.register(registry, monitor);
    }

    /// Counts attributions of growing answers as well.
    void watchProvisional(Supplier<ProvisionalCounts> counts) {
        counted.add(counts);
        FunctionCounter.builder("openlora_provisional_tokens", counts, source -> source.get()
                        .looked())
                .description("Tokens looked for in the datanets while their answers grew.")
                .register(registry);
        FunctionCounter.builder("openlora_provisional_tokens_dropped", counts, source -> source.get()
                        .dropped())
                .description("Tokens not looked for while their answers grew, because too many waited.")
                .register(registry);
    }

    /// Counts a ledger as well.
    void watchLedger(Meter meter) {
        counted.add(meter);
        LedgerMetrics.register(registry, meter);
    }

    /// The stack with its requests counted on their way.
    public Serving metered(Serving serving) {
        return new MeteredServing(serving, requests);
    }

    /// All series at this moment.
    ///
    /// @param accept the header of the request; OpenMetrics where it asks for that
    public Scrape scrape(String accept) {
        String type = accept.contains("application/openmetrics-text") ? OPEN_METRICS : PLAIN;
        return new Scrape(type, registry.scrape(type));
    }

    /// A text and what it is.
    public record Scrape(String contentType, String text) {}
}
