package org.openlora.engine;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.openlora.adapters.Digest;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.engine.scheduler.SchedulerConfig;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.SignedAcknowledgement;

/// Drives the engine step by step on the test's own thread, so that every interleaving is chosen by a seed.
class LoraEngineTest {
    private static final Digest SEA = new Digest("11".repeat(32));
    private static final Digest SKY = new Digest("22".repeat(32));
    private static final Digest BREAD = new Digest("33".repeat(32));
    private static final Digest BASE = new Digest("44".repeat(32));
    private static final int END = 7;
    private static final BillTo TENANT = new BillTo(Bytes32.ZERO, Address.ZERO);

    private final FakeResidency residency = new FakeResidency();
    private final List<Usage> committed = new ArrayList<>();
    private Instant now = Instant.parse("2026-01-01T00:00:00Z");
    private boolean ledgerBroken;

    private LoraEngine engine(FakeModel model, SchedulerConfig scheduler, int maxQueued, Set<Integer> ends) {
        return new LoraEngine(
                new EngineConfig(scheduler, maxQueued, ends, BASE), model, Letters::new, residency, this::commit, () -> now);
    }

    private CompletableFuture<SignedAcknowledgement> commit(Usage usage) {
        if (ledgerBroken) {
            return CompletableFuture.failedFuture(new IllegalStateException("disk full"));
        }
        committed.add(usage);
        return CompletableFuture.completedFuture(Acknowledgements.of(usage.requestId()));
    }

    private GenerationRequest request(String id, int[] prompt, List<AdapterSelection> adapters, SamplingParams params) {
        return new GenerationRequest(id, prompt, adapters, params, now.plus(Duration.ofHours(1)), TENANT, Bytes32.ZERO);
    }

    private GenerationRequest greedy(String id, int maxTokens, Digest... adapters) {
        List<AdapterSelection> selections =
                Arrays.stream(adapters).map(AdapterSelection::of).toList();
        return request(id, new int[] {1, 2, 3, 4, 5}, selections, SamplingParams.greedy(maxTokens));
    }

    private static void runUntilIdle(LoraEngine engine) {
        for (int step = 0; step < 10_000 && engine.step(); step++) {
            engine.checkIntegrity();
        }
    }

    @Test
    void submit_mixedBatch_givesEachRequestWhatItGetsAlone() {
        LoraEngine engine = engine(new FakeModel(200, 500), new SchedulerConfig(8, 16), 100, Set.of());
        Map<String, RecordingSink> sinks = new TreeMap<>();
        List<List<AdapterSelection>> mixes = List.of(
                List.of(),
                List.of(AdapterSelection.of(SEA)),
                List.of(AdapterSelection.of(SKY)),
                List.of(new AdapterSelection(SEA, -500_000, null)),
                List.of());
        for (int i = 0; i < mixes.size(); i++) {
            RecordingSink sink = new RecordingSink();
            sinks.put("r" + i, sink);
            engine.submit(request("r" + i, new int[] {i, 9, i}, mixes.get(i), SamplingParams.greedy(30)), sink);
        }
        runUntilIdle(engine);

        for (int i = 0; i < mixes.size(); i++) {
            long key = mixes.get(i).isEmpty()
                    ? 0
                    : FakeModel.adapterKey(
                            mixes.get(i).getFirst().digest(),
                            mixes.get(i).getFirst().scale());
            int[] alone = FakeModel.expected(new int[] {i, 9, i}, key, 30);
            assertThat(requireNonNull(sinks.get("r" + i)).tokens())
                    .as("request %d", i)
                    .containsExactly(alone);
        }
        assertThat(residency.openLeases()).isZero();
    }

    @Test
    void submit_adapterStillLoading_othersGoOn() {
        LoraEngine engine = engine(new FakeModel(100, 100), new SchedulerConfig(8, 64), 100, Set.of());
        residency.hold(SEA);
        RecordingSink cold = new RecordingSink();
        RecordingSink warm = new RecordingSink();
        engine.submit(greedy("cold", 5, SEA), cold);
        engine.submit(greedy("warm", 5, SKY), warm);
        runUntilIdle(engine);
        assertThat(warm.hasEnded()).isTrue();
        assertThat(cold.events()).isEmpty();

        residency.releaseHeld();
        runUntilIdle(engine);
        assertThat(cold.awaitFinished().reason()).isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void finish_usage_countsExactlyWhatWasStreamed() {
        LoraEngine engine = engine(new FakeModel(100, 100), new SchedulerConfig(8, 64), 100, Set.of());
        RecordingSink sink = new RecordingSink();
        engine.submit(greedy("a", 12, SEA, SKY), sink);
        runUntilIdle(engine);

        Usage usage = sink.awaitFinished().usage();
        assertThat(committed).containsExactly(usage);
        assertThat(usage.outputTokens()).containsExactly(sink.tokens()).hasSize(12);
        assertThat(usage.promptTokens()).containsExactly(1, 2, 3, 4, 5);
        assertThat(usage.adapters())
                .containsExactly(
                        new Usage.AdapterTokens(AdapterSelection.of(SEA), 12),
                        new Usage.AdapterTokens(AdapterSelection.of(SKY), 12));
    }

    @Test
    void accept_endToken_stopsAndIsCountedWithoutText() {
        int[] expected = FakeModel.expected(new int[] {1, 2, 3, 4, 5}, 0, 10);
        LoraEngine engine = engine(new FakeModel(100, 100), new SchedulerConfig(8, 64), 100, Set.of(expected[4]));
        RecordingSink sink = new RecordingSink();
        engine.submit(greedy("a", 10), sink);
        runUntilIdle(engine);

        GenerationEvent.Finished finished = sink.awaitFinished();
        assertThat(finished.reason()).isEqualTo(FinishReason.STOP);
        assertThat(finished.usage().generatedTokens())
                .isEqualTo(sink.tokens().length)
                .isLessThanOrEqualTo(5);
        assertThat(sink.text()).hasSize(sink.tokens().length - 1);
    }

    @Test
    void accept_ignoreEos_goesOn() {
        int[] expected = FakeModel.expected(new int[] {1, 2, 3, 4, 5}, 0, 10);
        LoraEngine engine = engine(new FakeModel(100, 100), new SchedulerConfig(8, 64), 100, Set.of(expected[4]));
        RecordingSink sink = new RecordingSink();
        SamplingParams params = SamplingParams.greedy(10).withIgnoreEos(true);
        engine.submit(request("a", new int[] {1, 2, 3, 4, 5}, List.of(), params), sink);
        runUntilIdle(engine);
        assertThat(sink.tokens()).containsExactly(expected);
    }

    @Test
    void finish_ledgerCannotWrite_failsAndBillsNothing() {
        LoraEngine engine = engine(new FakeModel(100, 100), new SchedulerConfig(8, 64), 100, Set.of());
        ledgerBroken = true;
        RecordingSink sink = new RecordingSink();
        engine.submit(greedy("a", 3, SEA), sink);
        runUntilIdle(engine);

        assertThat(sink.awaitFailed()).hasMessageContaining("nothing is billed");
        assertThat(committed).isEmpty();
        assertThat(residency.openLeases()).isZero();
    }

    @Test
    void abort_inAnyState_endsOnceAndFreesEverything() {
        LoraEngine engine = engine(new FakeModel(100, 100), new SchedulerConfig(1, 64), 100, Set.of());
        residency.hold(BREAD);
        RecordingSink running = new RecordingSink();
        RecordingSink waiting = new RecordingSink();
        RecordingSink loading = new RecordingSink();
        engine.submit(greedy("running", 50, SEA), running);
        engine.submit(greedy("waiting", 50), waiting);
        engine.submit(greedy("loading", 50, BREAD), loading);
        engine.step();
        engine.step();
        List.of("running", "waiting", "loading", "unknown", "running").forEach(engine::abort);
        runUntilIdle(engine);

        assertThat(running.awaitFinished().reason()).isEqualTo(FinishReason.ABORT);
        assertThat(running.awaitFinished().usage().generatedTokens()).isEqualTo(2);
        assertThat(waiting.awaitFailed().code()).isEqualTo(EngineException.Code.UNAVAILABLE);
        assertThat(loading.awaitFailed().code()).isEqualTo(EngineException.Code.UNAVAILABLE);
        residency.releaseHeld();
        runUntilIdle(engine);
        assertThat(residency.openLeases()).isZero();
        assertThat(engine.stats().freeBlocks()).isEqualTo(100);
    }

    @Test
    void deadline_passed_endsWithWhatThereIs() {
        LoraEngine engine = engine(new FakeModel(100, 100), new SchedulerConfig(8, 64), 100, Set.of());
        RecordingSink sink = new RecordingSink();
        engine.submit(
                new GenerationRequest(
                        "a",
                        new int[] {1},
                        List.of(),
                        SamplingParams.greedy(50),
                        now.plusSeconds(5),
                        TENANT,
                        Bytes32.ZERO),
                sink);
        engine.step();
        now = now.plusSeconds(6);
        runUntilIdle(engine);
        assertThat(sink.awaitFinished().reason()).isEqualTo(FinishReason.DEADLINE);
        assertThat(sink.awaitFinished().usage().generatedTokens()).isEqualTo(1);
    }

    @Test
    void step_modelFault_failsItsRequestsOnly() {
        FakeModel model = new FakeModel(100, 100);
        LoraEngine engine = engine(model, new SchedulerConfig(8, 64), 100, Set.of());
        RecordingSink first = new RecordingSink();
        engine.submit(greedy("a", 5, SEA), first);
        model.failuresLeft = 1;
        runUntilIdle(engine);
        assertThat(first.awaitFailed()).hasMessageContaining("planted fault");

        RecordingSink second = new RecordingSink();
        engine.submit(greedy("b", 5, SEA), second);
        runUntilIdle(engine);
        assertThat(second.awaitFinished().reason()).isEqualTo(FinishReason.LENGTH);
        assertThat(residency.openLeases()).isZero();
    }

    @Test
    void submit_badRequests_areRefusedWithTheReason() {
        LoraEngine engine = engine(new FakeModel(5, 30), new SchedulerConfig(8, 64), 1, Set.of());
        RecordingSink sink = new RecordingSink();
        assertThatThrownBy(() -> engine.submit(request("a", new int[20], List.of(), SamplingParams.greedy(1)), sink))
                .hasMessageContaining("20 tokens")
                .hasMessageContaining("up to 19");
        assertThatThrownBy(() -> engine.submit(request("a", new int[] {97}, List.of(), SamplingParams.greedy(1)), sink))
                .hasMessageContaining("token 97")
                .hasMessageContaining("0 to 96");
        engine.submit(greedy("a", 1), sink);
        assertThatThrownBy(() -> engine.submit(greedy("b", 1), sink)).hasMessageContaining("1 requests are queued");
        runUntilIdle(engine);
        assertThat(sink.awaitFinished().reason()).isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void submit_brokenAdapter_failsWithItsReason() {
        LoraEngine engine = engine(new FakeModel(50, 30), new SchedulerConfig(8, 64), 10, Set.of());
        residency.breakAdapter(SKY, "tensor x has shape [1, 2], expected [3, 4]");
        RecordingSink sink = new RecordingSink();
        engine.submit(greedy("a", 1, SKY), sink);
        runUntilIdle(engine);
        assertThat(sink.awaitFailed()).hasMessage("tensor x has shape [1, 2], expected [3, 4]");
        assertThat(sink.awaitFailed().code()).isEqualTo(EngineException.Code.ADAPTER);
    }

    @Test
    void submit_sameIdTwiceAtOnce_refusesTheSecond() {
        LoraEngine engine = engine(new FakeModel(50, 30), new SchedulerConfig(8, 64), 10, Set.of());
        RecordingSink first = new RecordingSink();
        RecordingSink second = new RecordingSink();
        engine.submit(greedy("a", 3), first);
        engine.submit(greedy("a", 3), second);
        runUntilIdle(engine);
        assertThat(first.awaitFinished().usage().generatedTokens()).isEqualTo(3);
        assertThat(second.awaitFailed()).hasMessageContaining("already being served");
    }

    @Test
    void close_withOpenRequests_endsThemAll() {
        FakeModel model = new FakeModel(500, 2000);
        LoraEngine engine = LoraEngine.start(
                new EngineConfig(new SchedulerConfig(8, 64), 100, Set.of(), BASE),
                model,
                Letters::new,
                residency,
                this::commit,
                () -> now);
        residency.hold(BREAD);
        List<RecordingSink> sinks = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            RecordingSink sink = new RecordingSink();
            sinks.add(sink);
            engine.submit(greedy("r" + i, 1500, i % 2 == 0 ? SEA : BREAD), sink);
        }
        engine.close();
        residency.releaseHeld();

        assertThat(sinks).allMatch(RecordingSink::hasEnded);
        assertThat(residency.openLeases()).isZero();
        RecordingSink late = new RecordingSink();
        assertThatThrownBy(() -> engine.submit(greedy("late", 1), late)).hasMessageContaining("shutting down");
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void step_randomTrafficInLittleMemory_everyTokenIsRightAndMeteredOnce(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        LoraEngine engine = engine(new FakeModel(24, 60), new SchedulerConfig(5, 12), 1000, Set.of(END));
        Map<String, RecordingSink> sinks = new TreeMap<>();
        Map<String, GenerationRequest> requests = new TreeMap<>();
        Digest[] digests = {SEA, SKY, BREAD};
        for (int turn = 0; turn < 1500; turn++) {
            if (random.nextInt(6) == 0) {
                int[] prompt = random.ints(1 + random.nextInt(20), 0, FakeModel.VOCABULARY)
                        .toArray();
                List<AdapterSelection> adapters = random.nextInt(3) == 0
                        ? List.of()
                        : List.of(new AdapterSelection(digests[random.nextInt(3)], 1000 * random.nextInt(2000), null));
                String id = "r" + turn;
                GenerationRequest request =
                        request(id, prompt, adapters, SamplingParams.greedy(1 + random.nextInt(30)));
                RecordingSink sink = new RecordingSink();
                requests.put(id, request);
                sinks.put(id, sink);
                engine.submit(request, sink);
            }
            if (random.nextInt(40) == 0 && !requests.isEmpty()) {
                engine.abort(new ArrayList<>(requests.keySet()).get(random.nextInt(requests.size())));
            }
            engine.step();
            engine.checkIntegrity();
        }
        runUntilIdle(engine);

        long streamed = 0;
        for (Map.Entry<String, RecordingSink> entry : sinks.entrySet()) {
            GenerationRequest request = requireNonNull(requests.get(entry.getKey()));
            long key = request.adapters().isEmpty()
                    ? 0
                    : FakeModel.adapterKey(
                            request.adapters().getFirst().digest(),
                            request.adapters().getFirst().scale());
            int[] tokens = entry.getValue().tokens();
            assertThat(entry.getValue().hasEnded()).as("seed %d", seed).isTrue();
            assertThat(tokens)
                    .as("seed %d request %s", seed, entry.getKey())
                    .containsExactly(FakeModel.expected(request.prompt(), key, tokens.length));
            streamed += tokens.length;
        }
        assertThat(committed.stream().mapToLong(Usage::generatedTokens).sum()).isEqualTo(streamed);
        assertThat(engine.stats().generatedTokens()).isEqualTo(streamed);
        assertThat(engine.stats().preemptions())
                .as("the memory was meant to be short")
                .isPositive();
        assertThat(residency.openLeases()).isZero();
        assertThat(engine.stats().freeBlocks()).isEqualTo(24);
    }
}
