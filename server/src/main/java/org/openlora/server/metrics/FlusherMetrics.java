package org.openlora.server.metrics;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Locale;
import java.util.function.ToLongFunction;
import org.openlora.meter.chain.FlusherAlarm;
import org.openlora.meter.chain.FlusherMonitor;
import org.openlora.meter.chain.FlusherMonitor.Event;
import org.openlora.meter.chain.FlusherMonitor.Progress;

/// What brings batches on chain: how far it is, what it sent, and what a person should look at.
final class FlusherMetrics {
    private final MeterRegistry registry;
    private final FlusherMonitor monitor;

    private FlusherMetrics(MeterRegistry registry, FlusherMonitor monitor) {
        this.registry = registry;
        this.monitor = monitor;
    }

    static void register(MeterRegistry registry, FlusherMonitor monitor) {
        FlusherMetrics metrics = new FlusherMetrics(registry, monitor);
        metrics.batches("sealed", Progress::sealed);
        metrics.batches("landed", Progress::landed);
        metrics.batches("final", Progress::finalized);
        metrics.transactions("sent", Event.SENT);
        metrics.transactions("resent", Event.RESENT);
        metrics.transactions("replaced", Event.BUMPED);
        metrics.counter(
                "openlora_flusher_rollbacks", "Times the chain was seen with fewer batches.", Event.ROLLED_BACK);
        metrics.counter("openlora_flusher_failures", "Looks at the chain that failed.", Event.STEP_FAILED);
        for (FlusherAlarm alarm : FlusherAlarm.values()) {
            metrics.alarm(alarm);
        }
    }

    private void batches(String state, ToLongFunction<Progress> number) {
        Gauge.builder("openlora_flusher_batches", monitor, watched -> watched.snapshot().streams().values().stream()
                        .mapToLong(number)
                        .sum())
                .description("Batches of the streams that are flushed from here, by how far they have come.")
                .tag("state", state)
                .register(registry);
    }

    private void transactions(String kind, Event event) {
        FunctionCounter.builder("openlora_flusher_transactions", monitor, watched -> watched.snapshot()
                        .count(event))
                .description("Transactions that were signed, sent again, or replaced by dearer ones.")
                .tag("kind", kind)
                .register(registry);
    }

    private void counter(String name, String description, Event event) {
        FunctionCounter.builder(name, monitor, watched -> watched.snapshot().count(event))
                .description(description)
                .register(registry);
    }

    private void alarm(FlusherAlarm alarm) {
        String tag = alarm.name().toLowerCase(Locale.ROOT);
        Gauge.builder(
                        "openlora_flusher_alarm",
                        monitor,
                        watched -> watched.snapshot().alarms().containsKey(alarm) ? 1 : 0)
                .description("1 while something stands that a person should look at.")
                .tag("alarm", tag)
                .register(registry);
        FunctionCounter.builder("openlora_flusher_alarms_raised", monitor, watched -> watched.snapshot()
                        .raised(alarm))
                .description("How often each alarm was raised.")
                .tag("alarm", tag)
                .register(registry);
    }
}
