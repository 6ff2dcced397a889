package org.openlora.server.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.openlora.engine.FinishReason;
import org.openlora.engine.GenerationEvent;
import org.openlora.engine.GenerationSink;
import org.openlora.engine.Usage;

/// Times and counts of requests, seen where their events pass.
final class RequestMetrics {
    private static final Duration[] FIRST_TOKEN = millis(1, 5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 10_000);
    private static final Duration[] NEXT_TOKEN = millis(1, 2, 5, 10, 20, 40, 80, 160, 320, 640, 1280);
    private static final Duration[] WHOLE =
            millis(50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000);
    private static final double[] TOKENS = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000
    };

    private final LongSupplier nanos;
    private final ActiveAdapters adapters;
    private final Timer timeToFirstToken;
    private final Timer timePerOutputToken;
    private final Timer latency;
    private final DistributionSummary promptTokens;
    private final DistributionSummary generatedTokens;
    private final Map<FinishReason, Counter> finished = new EnumMap<>(FinishReason.class);
    private final Counter failed;

    /// @param nanos a clock that only goes forward
    RequestMetrics(MeterRegistry registry, ActiveAdapters adapters, LongSupplier nanos) {
        this.nanos = nanos;
        this.adapters = adapters;
        timeToFirstToken = timer(
                registry, "vllm:time_to_first_token", "From a request's arrival to its first token.", FIRST_TOKEN);
        timePerOutputToken =
                timer(registry, "vllm:time_per_output_token", "Between two tokens of one answer.", NEXT_TOKEN);
        latency = timer(registry, "vllm:e2e_request_latency", "From a request's arrival to an answer's end.", WHOLE);
        promptTokens = tokens(registry, "vllm:request_prompt_tokens", "Tokens of a request's prompt.");
        generatedTokens = tokens(registry, "vllm:request_generation_tokens", "Tokens generated for an answer.");
        for (FinishReason reason : FinishReason.values()) {
            finished.put(
                    reason,
                    Counter.builder("vllm:request_success")
                            .description("Answers that ended, by the reason.")
                            .tag("finished_reason", label(reason))
                            .register(registry));
        }
        failed = Counter.builder("openlora_requests_failed")
                .description("Requests that ended with an error after they were taken in.")
                .register(registry);
    }

    private static String label(FinishReason reason) {
        return switch (reason) {
            case STOP -> "stop";
            case LENGTH -> "length";
            case ABORT -> "abort";
            case DEADLINE -> "deadline";
        };
    }

    private static Duration[] millis(long... millis) {
        Duration[] durations = new Duration[millis.length];
        for (int i = 0; i < millis.length; i++) {
            durations[i] = Duration.ofMillis(millis[i]);
        }
        return durations;
    }

    private static Timer timer(MeterRegistry registry, String name, String description, Duration... buckets) {
        return Timer.builder(name)
                .description(description)
                .serviceLevelObjectives(buckets)
                .register(registry);
    }

    private static DistributionSummary tokens(MeterRegistry registry, String name, String description) {
        return DistributionSummary.builder(name)
                .description(description)
                .serviceLevelObjectives(TOKENS)
                .register(registry);
    }

    /// Watches a request that arrives now.
    ///
    /// @param names of its adapters
    Watched watch(List<String> names, int choices, GenerationSink sink) {
        return new Watched(names, choices, sink);
    }

    /// One request on its way; called by one thread at a time, as every sink is, but for attributions, which only pass.
    final class Watched implements GenerationSink {
        private final List<ActiveAdapters.Use> uses = new ArrayList<>();
        private final GenerationSink sink;
        private final long arrivedNanos = nanos.getAsLong();
        /// Of each choice, when its last token came; 0 before its first.
        private final long[] lastTokenNanos;

        private int unfinished;
        private boolean anyToken;

        private Watched(List<String> names, int choices, GenerationSink sink) {
            this.sink = sink;
            this.unfinished = choices;
            this.lastTokenNanos = new long[choices];
            names.forEach(name -> uses.add(adapters.waiting(name)));
        }

        /// The request was refused: it will have no events.
        void refused() {
            uses.forEach(ActiveAdapters.Use::end);
        }

        @Override
        public void accept(GenerationEvent event) {
            switch (event) {
                case GenerationEvent.Started _ -> uses.forEach(ActiveAdapters.Use::run);
                case GenerationEvent.Delta delta -> token(delta.choice());
                case GenerationEvent.Attributed _ -> {}
                case GenerationEvent.Finished end -> finished(end.usage());
                case GenerationEvent.Failed _ -> {
                    failed.increment();
                    uses.forEach(ActiveAdapters.Use::end);
                }
            }
            sink.accept(event);
        }

        private void token(int choice) {
            long now = nanos.getAsLong();
            if (!anyToken) {
                anyToken = true;
                timeToFirstToken.record(now - arrivedNanos, TimeUnit.NANOSECONDS);
            }
            if (lastTokenNanos[choice] != 0) {
                timePerOutputToken.record(now - lastTokenNanos[choice], TimeUnit.NANOSECONDS);
            }
            lastTokenNanos[choice] = now;
        }

        private void finished(Usage usage) {
            latency.record(nanos.getAsLong() - arrivedNanos, TimeUnit.NANOSECONDS);
            promptTokens.record(usage.promptTokens().length);
            generatedTokens.record(usage.generatedTokens());
            Counter counter = finished.get(usage.finishReason());
            if (counter != null) {
                counter.increment();
            }
            if (--unfinished == 0) {
                uses.forEach(ActiveAdapters.Use::end);
            }
        }
    }
}
