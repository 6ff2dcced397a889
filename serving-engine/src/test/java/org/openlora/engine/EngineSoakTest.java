package org.openlora.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;
import org.openlora.adapters.Digest;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.engine.scheduler.SchedulerConfig;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// Full load with random aborts, deadlines, choices and tenants on the engine's own thread: afterwards nothing is held.
///
/// As long as wanted: `-Dopenlora.soak.seconds=600`.
class EngineSoakTest {
    private static final int SECONDS = Integer.getInteger("openlora.soak.seconds", 2);
    private static final int OPEN = 48;
    private static final List<Digest> ADAPTERS =
            List.of(new Digest("11".repeat(32)), new Digest("22".repeat(32)), new Digest("33".repeat(32)));

    private final FakeResidency residency = new FakeResidency();
    private final Semaphore ended = new Semaphore(0); // a permit for each request that ended

    @Test
    void submit_fullLoadWithAborts_leavesNothingBehind() throws InterruptedException {
        EngineConfig config = new EngineConfig(
                new SchedulerConfig(16, 64).withPrefillTokensBesideDecode(32), 1000, 3, Set.of(7), Digest.ZERO);
        SplittableRandom random = new SplittableRandom(SECONDS);
        long requests = 0;
        long early = 0;
        try (LoraEngine engine = LoraEngine.start(
                config,
                new FakeModel(120, 200),
                Letters::new,
                residency,
                usage -> CompletableFuture.completedFuture(Acknowledgements.of(usage.requestId())),
                InstantSource.system())) {
            Instant end = Instant.now().plusSeconds(SECONDS);
            List<String> recent = new ArrayList<>();
            int open = 0;
            while (Instant.now().isBefore(end)) {
                while (open < OPEN) {
                    String id = "r" + requests++;
                    submit(engine, id, random);
                    recent.add(id);
                    open++;
                }
                if (random.nextInt(3) == 0) {
                    engine.abort(recent.get(random.nextInt(recent.size())));
                }
                if (recent.size() > 2 * OPEN) {
                    recent.subList(0, OPEN).clear();
                }
                ended.acquire();
                open--;
                if (early == 0 && Instant.now().isAfter(end.minusMillis(500L * SECONDS))) {
                    early = heapBytes();
                }
            }
            for (; open > 0; open--) {
                ended.acquire();
            }
            long late = heapBytes();
            EngineStats stats = awaitIdle(engine);
            System.out.printf(
                    "soak: %d s, %d requests, %d tokens, %d preemptions, %d cached tokens, heap %d MiB halfway, %d MiB"
                            + " after%n",
                    SECONDS,
                    requests,
                    stats.generatedTokens(),
                    stats.preemptions(),
                    stats.cachedTokens(),
                    early >> 20,
                    late >> 20);
            assertThat(stats.freeBlocks()).isEqualTo(stats.totalBlocks());
            assertThat(stats.preemptions()).isPositive();
            assertThat(stats.cachedTokens()).isPositive();
        }
        assertThat(residency.openLeases()).isZero();
    }

    private void submit(LoraEngine engine, String id, SplittableRandom random) {
        int[] prompt = new int[1 + random.nextInt(60)];
        for (int i = random.nextInt(prompt.length); i < prompt.length; i++) {
            prompt[i] = random.nextInt(FakeModel.VOCABULARY);
        }
        int choices = random.nextInt(5) == 0 ? 1 + random.nextInt(4) : 1;
        int adapter = random.nextInt(4);
        GenerationRequest request = new GenerationRequest(
                        id,
                        prompt,
                        adapter == 0 ? List.of() : List.of(AdapterSelection.of(ADAPTERS.get(adapter - 1))),
                        SamplingParams.greedy(1 + random.nextInt(60)),
                        Instant.now().plus(Duration.ofMillis(1 + random.nextInt(20_000))),
                        new BillTo(new Bytes32(random.nextInt(3), 0, 0, 0), Address.ZERO),
                        Bytes32.ZERO)
                .withChoices(choices)
                .withPriority(random.nextInt(3));
        RecordingSink sink = new RecordingSink(choices);
        engine.submit(request, event -> {
            sink.accept(event);
            if (sink.hasEnded()) {
                ended.release();
            }
        });
    }

    /// The engine publishes its numbers at the end of a step, just behind the last event.
    private static EngineStats awaitIdle(LoraEngine engine) throws InterruptedException {
        while (engine.stats().runningRequests() + engine.stats().waitingRequests() > 0) {
            engine.abort("nobody"); // a turn of the loop
            Thread.sleep(1);
        }
        return engine.stats();
    }

    private static long heapBytes() {
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }
}
