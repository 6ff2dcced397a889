package org.openlora.server.metrics;

import io.prometheus.metrics.model.registry.Collector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import java.time.InstantSource;
import java.util.List;
import java.util.function.Supplier;

/// Gauges whose labels are the message. They are made at each scrape, so that no series outlives what it tells of.
///
/// They go past Micrometer, which takes `_info` off the end of a name.
final class InfoSeries {
    private InfoSeries() {}

    /// One series.
    record Series(Labels labels, double value) {}

    static void register(PrometheusRegistry registry, String name, String help, Supplier<List<Series>> series) {
        registry.register((Collector) () -> {
            GaugeSnapshot.Builder snapshot = GaugeSnapshot.builder().name(name).help(help);
            series.get()
                    .forEach(one -> snapshot.dataPoint(GaugeDataPointSnapshot.builder()
                            .labels(one.labels())
                            .value(one.value())
                            .build()));
            return snapshot.build();
        });
    }

    /// `vllm:lora_requests_info`: gateways take the series of the largest value and split its lists at commas.
    static Series loraRequests(int maxLora, ActiveAdapters adapters, InstantSource clock) {
        return new Series(
                Labels.of(
                        "max_lora", Integer.toString(maxLora),
                        "running_lora_adapters", adapters.runningNames(),
                        "waiting_lora_adapters", adapters.waitingNames()),
                clock.millis() / 1000.0);
    }

    /// `vllm:lora_adapter_loaded`: what is in memory, and how near.
    static List<Series> loaded(List<CacheSources.Loaded> loaded) {
        return loaded.stream()
                .map(adapter -> new Series(
                        Labels.of(
                                "adapter_name", adapter.name(),
                                "digest", adapter.resident().digest().toString(),
                                "level", adapter.device() ? "gpu" : "cpu",
                                "pinned", Boolean.toString(adapter.resident().pinned() != null),
                                "rank", Integer.toString(adapter.rank())),
                        1))
                // Two tenants may have given one content the same name.
                .distinct()
                .toList();
    }

    /// `vllm:cache_config_info`: how the key/value cache is cut.
    static Series cacheConfig(int blockSize, int blocks) {
        return new Series(
                Labels.of("block_size", Integer.toString(blockSize), "num_gpu_blocks", Integer.toString(blocks)), 1);
    }
}
