package org.openlora.server.metrics;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import org.openlora.engine.EngineStats;

/// The engine's counts, read when they are asked for.
final class EngineMetrics {
    private final MeterRegistry registry;
    private final Supplier<EngineStats> engine;

    private EngineMetrics(MeterRegistry registry, Supplier<EngineStats> engine) {
        this.registry = registry;
        this.engine = engine;
    }

    static void register(MeterRegistry registry, Supplier<EngineStats> engine) {
        EngineMetrics metrics = new EngineMetrics(registry, engine);
        metrics.gauge("vllm:num_requests_running", "Answers that take part in steps.", EngineStats::runningRequests);
        metrics.gauge("vllm:num_requests_waiting", "Answers that wait for their turn.", EngineStats::waitingRequests);
        metrics.gauge(
                "vllm:kv_cache_usage_perc",
                "Key/value blocks that answers hold, as a part of all: 0 to 1.",
                EngineMetrics::kvCacheUsage);
        metrics.counter(
                "vllm:prompt_tokens",
                "Prompt tokens, computed (also again after a preemption) or found in the prefix cache.",
                EngineMetrics::promptTokens);
        metrics.counter("vllm:generation_tokens", "Tokens generated.", EngineStats::generatedTokens);
        metrics.counter(
                "vllm:prefix_cache_queries",
                "Prompt tokens that were looked up in the prefix cache.",
                EngineMetrics::promptTokens);
        metrics.counter(
                "vllm:prefix_cache_hits", "Prompt tokens found in the prefix cache.", EngineStats::cachedTokens);
        metrics.counter(
                "vllm:num_preemptions",
                "Answers that lost their key/value blocks to others and were computed again.",
                EngineStats::preemptions);
        metrics.counter("openlora_engine_steps", "Forward passes.", EngineStats::steps);
        metrics.counter(
                "openlora_wrong_slots",
                "Answers stopped because a slot held other weights than those leased there.",
                EngineStats::wrongSlots);
        metrics.counter(
                "openlora_wrong_rows",
                "Answers stopped because their rows were computed with other adapters than they asked for.",
                EngineStats::wrongRows);
        metrics.counter(
                "openlora_corrupt_weights",
                "Answers stopped because an adapter's weights had changed in memory.",
                EngineStats::corruptWeights);
    }

    private static double kvCacheUsage(EngineStats stats) {
        return 1 - stats.freeBlocks() / (double) stats.totalBlocks();
    }

    private static long promptTokens(EngineStats stats) {
        return stats.promptTokens() + stats.cachedTokens();
    }

    private void gauge(String name, String description, ToDoubleFunction<EngineStats> value) {
        Gauge.builder(name, engine, source -> value.applyAsDouble(source.get()))
                .description(description)
                .strongReference(true)
                .register(registry);
    }

    private void counter(String name, String description, ToDoubleFunction<EngineStats> value) {
        FunctionCounter.builder(name, engine, source -> value.applyAsDouble(source.get()))
                .description(description)
                .register(registry);
    }
}
