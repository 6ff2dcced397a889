package org.openlora.server.metrics;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.ToDoubleFunction;
import org.openlora.meter.LedgerHealth;
import org.openlora.meter.Meter;

/// What goes into the ledger, and whether it does, read when it is asked for.
final class LedgerMetrics {
    private final MeterRegistry registry;
    private final Meter meter;

    private LedgerMetrics(MeterRegistry registry, Meter meter) {
        this.registry = registry;
        this.meter = meter;
    }

    static void register(MeterRegistry registry, Meter meter) {
        LedgerMetrics metrics = new LedgerMetrics(registry, meter);
        Gauge.builder("openlora_ledger_writable", meter, LedgerMetrics::writable)
                .description("1 while the ledger takes writes; while it is 0, no requests are taken.")
                .register(registry);
        metrics.counter("openlora_ledger_usage_rows", "Usage rows made durable.", source -> source.commitStats()
                .rows());
        metrics.counter(
                "openlora_ledger_commits", "Transactions that made usage rows durable.", source -> source.commitStats()
                        .commits());
        metrics.counter(
                "openlora_ledger_failed_commits",
                "Transactions of usage rows that failed and were tried again.",
                source -> source.commitStats().failedAttempts());
        metrics.counter(
                "openlora_ledger_failed_rows",
                "Answers that ended with an error, unbilled, because the ledger could not be written for too long.",
                source -> source.commitStats().failedRows());
        metrics.counter("openlora_ledger_scored_rows", "Usage rows that were scored.", source -> source.scoringCost()
                .rows());
        metrics.counter(
                "openlora_ledger_scoring_seconds",
                "Processor time that scoring took.",
                source -> source.scoringCost().cpuNanos() / 1e9);
    }

    private static double writable(Meter meter) {
        return switch (meter.health()) {
            case LedgerHealth.Writable _ -> 1;
            case LedgerHealth.Unwritable _ -> 0;
        };
    }

    private void counter(String name, String description, ToDoubleFunction<Meter> value) {
        FunctionCounter.builder(name, meter, value).description(description).register(registry);
    }
}
