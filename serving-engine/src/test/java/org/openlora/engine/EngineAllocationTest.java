package org.openlora.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.openlora.adapters.host.HostAdapterResidency;
import org.openlora.adapters.host.HostLimits;
import org.openlora.engine.golden.FolderAdapters;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.engine.scheduler.SchedulerConfig;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// In the steady state a token costs the garbage collector next to nothing: what lives as long as a step is small, what
/// is large is kept from step to step.
class EngineAllocationTest {
    private static final Path ROOT = Path.of(System.getProperty("openlora.root"));
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final List<@Nullable String> ADAPTERS =
            Arrays.asList(null, "harbour-keeper", "moon-gardener", "village-baker");
    private static final int STREAMS = 8;
    private static final int MAX_TOKENS = 480;
    private static final int FIRST_COUNTED_TOKEN = 100;
    private static final int LAST_COUNTED_TOKEN = 460;
    /// Vectors are boxed until the compiler has seen everything.
    private static final int MOST_ROUNDS = 12;
    /// Some 450 are measured: the event and its text, the token's share of the step's arrays and of a block's name.
    /// Two vectors boxed for each row in each of the four layers would break it, on every vector width.
    private static final int MOST_ENGINE_BYTES = 768;
    /// Workers compute and nothing else.
    private static final int MOST_WORKER_BYTES = 64;

    /// Bytes that a token takes, on average over a round.
    private record BytesPerToken(double engine, double workers) {
        boolean isWithinBounds() {
            return engine <= MOST_ENGINE_BYTES && workers <= MOST_WORKER_BYTES;
        }
    }

    @Test
    void generate_eightStreamsInTheSteadyState_allocatesNextToNothing() throws InterruptedException {
        assumeFalse("libtorch".equals(System.getProperty("openlora.gemm")), "skipped: libtorch has memory of its own");
        try (BaseModel base =
                        BaseModel.open(ROOT.resolve("models/openlora-tiny"), new BaseModel.Resources(2, 64 << 20, 64));
                HostAdapterResidency residency = residency(base);
                LoraEngine engine = LoraEngine.start(
                        new EngineConfig(
                                new SchedulerConfig(STREAMS, 64),
                                100,
                                1,
                                Set.copyOf(base.config().eosTokenIds()),
                                base.digest()),
                        base.model(),
                        base.tokenizer()::newDetokenizer,
                        residency,
                        usage -> CompletableFuture.completedFuture(Acknowledgements.of(usage.requestId())),
                        InstantSource.system())) {
            FolderAdapters adapters = new FolderAdapters(ROOT.resolve("examples/adapters"), base.adaptableModules());
            BytesPerToken bytes = round(engine, adapters, 0);
            assertThat(workers()).isNotEmpty();
            for (int round = 1; round < MOST_ROUNDS && !bytes.isWithinBounds(); round++) {
                bytes = round(engine, adapters, round);
            }
            System.out.printf("a token takes %s bytes%n", bytes);
            assertThat(bytes).satisfies(one -> {
                assertThat(one.engine()).isBetween(1.0, (double) MOST_ENGINE_BYTES);
                assertThat(one.workers()).isBetween(0.0, (double) MOST_WORKER_BYTES);
            });
        }
    }

    private static HostAdapterResidency residency(BaseModel base) {
        return new HostAdapterResidency(
                new FolderAdapters(ROOT.resolve("examples/adapters"), base.adaptableModules()),
                new HostLimits(512L << 20, 16, 2, Duration.ofSeconds(1)),
                InstantSource.system());
    }

    private static BytesPerToken round(LoraEngine engine, FolderAdapters adapters, int round)
            throws InterruptedException {
        Meter meter = new Meter(workers());
        for (int stream = 0; stream < STREAMS; stream++) {
            String adapter = ADAPTERS.get(stream % ADAPTERS.size());
            GenerationRequest request = new GenerationRequest(
                    "round-%d-%d".formatted(round, stream),
                    new int[] {5, 6, 7 + stream},
                    adapter == null ? List.of() : List.of(AdapterSelection.of(adapters.digest(adapter))),
                    params(stream),
                    Instant.now().plusSeconds(600),
                    new BillTo(Bytes32.ZERO, Address.ZERO),
                    Bytes32.ZERO);
            engine.submit(request, meter.sink(stream));
        }
        return meter.await();
    }

    /// Every other stream draws from a nucleus.
    private static SamplingParams params(int stream) {
        SamplingParams.Builder params =
                SamplingParams.builder(MAX_TOKENS).ignoreEos(true).seed(stream);
        return stream % 2 == 0
                ? params.build()
                : params.temperature(0.8).topP(0.9).build();
    }

    private static long[] workers() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("openlora-kernel-"))
                .mapToLong(Thread::threadId)
                .toArray();
    }

    /// Reads the threads' counters between two tokens of the first stream; sinks run on the engine's thread.
    private static final class Meter {
        private final long[] workers;
        private final CountDownLatch running = new CountDownLatch(STREAMS);
        private int ofFirst;
        private long tokens;
        private long engineBytes;
        private long workerBytes;
        private long countedTokens;

        Meter(long[] workers) {
            this.workers = workers;
        }

        GenerationSink sink(int stream) {
            return event -> {
                switch (event) {
                    case GenerationEvent.Started _, GenerationEvent.Attributed _ -> {}
                    case GenerationEvent.Delta _ -> count(stream);
                    case GenerationEvent.Finished _, GenerationEvent.Failed _ -> running.countDown();
                }
            };
        }

        private void count(int stream) {
            tokens++;
            if (stream == 0) {
                ofFirst++;
                if (ofFirst == FIRST_COUNTED_TOKEN) {
                    engineBytes = -THREADS.getCurrentThreadAllocatedBytes();
                    workerBytes = -ofWorkers();
                    countedTokens = -tokens;
                } else if (ofFirst == LAST_COUNTED_TOKEN) {
                    engineBytes += THREADS.getCurrentThreadAllocatedBytes();
                    workerBytes += ofWorkers();
                    countedTokens += tokens;
                }
            }
        }

        private long ofWorkers() {
            long bytes = 0;
            for (long worker : workers) {
                bytes += THREADS.getThreadAllocatedBytes(worker);
            }
            return bytes;
        }

        BytesPerToken await() throws InterruptedException {
            running.await();
            return new BytesPerToken((double) engineBytes / countedTokens, (double) workerBytes / countedTokens);
        }
    }
}
