package org.openlora.engine;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
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
    private static final int[] LONG_PROMPT = {11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21};
    private static final BillTo TENANT = new BillTo(Bytes32.ZERO, Address.ZERO);

    private final FakeResidency residency = new FakeResidency();
    private final List<Usage> committed = new ArrayList<>();
    private Instant now = Instant.parse("2026-01-01T00:00:00Z");
    private boolean ledgerBroken;

    private LoraEngine engine(FakeModel model, SchedulerConfig scheduler, int maxQueued, Set<Integer> ends) {
        return new LoraEngine(
                new EngineConfig(scheduler, maxQueued, 3, ends, BASE),
                model,
                Letters::new,
                residency,
                this::commit,
                () -> now);
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
        SamplingParams params =
                SamplingParams.greedy(10).toBuilder().ignoreEos(true).build();
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
                new EngineConfig(new SchedulerConfig(8, 64), 100, 3, Set.of(), BASE),
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

    @Test
    void deadline_whileAdaptersLoad_endsTheRequest() {
        LoraEngine engine = engine(new FakeModel(100, 100), new SchedulerConfig(1, 64), 100, Set.of());
        residency.hold(SEA);
        RecordingSink loading = new RecordingSink();
        RecordingSink running = new RecordingSink();
        RecordingSink waiting = new RecordingSink();
        engine.submit(greedy("running", 50), running);
        engine.submit(greedy("waiting", 50), waiting);
        engine.submit(greedy("loading", 5, SEA), loading);
        engine.step();
        now = now.plus(Duration.ofHours(2));
        engine.step();

        assertThat(loading.awaitFailed().code()).isEqualTo(EngineException.Code.DEADLINE_EXCEEDED);
        assertThat(waiting.awaitFailed().code()).isEqualTo(EngineException.Code.DEADLINE_EXCEEDED);
        assertThat(running.awaitFinished().reason()).isEqualTo(FinishReason.DEADLINE);
        residency.releaseHeld();
        runUntilIdle(engine);
        assertThat(residency.openLeases()).isZero();
        engine.checkIntegrity();
    }

    @Test
    void run_idleEngine_endsOverdueRequestsByItself() {
        residency.hold(SEA);
        EngineConfig config = new EngineConfig(new SchedulerConfig(8, 64), 100, 3, Set.of(), BASE);
        try (LoraEngine engine = LoraEngine.start(
                config, new FakeModel(50, 50), Letters::new, residency, this::commit, InstantSource.system())) {
            RecordingSink sink = new RecordingSink();
            engine.submit(
                    new GenerationRequest(
                            "a",
                            new int[] {1},
                            List.of(AdapterSelection.of(SEA)),
                            SamplingParams.greedy(5),
                            Instant.now().plusMillis(20),
                            TENANT,
                            Bytes32.ZERO),
                    sink);
            assertThat(sink.awaitFailed().code()).isEqualTo(EngineException.Code.DEADLINE_EXCEEDED);
        }
        residency.releaseHeld();
        assertThat(residency.openLeases()).isZero();
    }

    /// Prompt tokens that the second of two equal prompts finds computed.
    private int cachedBySecond(GenerationRequest first, GenerationRequest second) {
        LoraEngine engine = engine(new FakeModel(100, 100), new SchedulerConfig(8, 64), 100, Set.of());
        RecordingSink one = new RecordingSink();
        RecordingSink two = new RecordingSink();
        engine.submit(first, one);
        runUntilIdle(engine);
        engine.submit(second, two);
        runUntilIdle(engine);
        assertThat(one.awaitFinished().usage().cachedTokens()).isZero();
        int cached = two.awaitFinished().usage().cachedTokens();
        assertThat(engine.stats().cachedTokens()).isEqualTo(cached);
        assertThat(engine.stats().promptTokens()).isEqualTo(2 * LONG_PROMPT.length - cached);
        assertThat(engine.stats().freeBlocks()).isEqualTo(100);
        if (second.adapters().isEmpty()) {
            assertThat(two.tokens()).containsExactly(FakeModel.expected(LONG_PROMPT, 0, 6));
        }
        return cached;
    }

    private GenerationRequest prompting(String id, int tenant, AdapterSelection... adapters) {
        Bytes32 account = new Bytes32(tenant, 0, 0, 0);
        return new GenerationRequest(
                id,
                LONG_PROMPT,
                List.of(adapters),
                SamplingParams.greedy(6),
                now.plusSeconds(60),
                new BillTo(account, Address.ZERO),
                Bytes32.ZERO);
    }

    @Test
    void submit_samePrompt_isFoundComputedByItsTenantOnly() {
        assertThat(cachedBySecond(prompting("a", 1), prompting("b", 1))).isEqualTo(8);
        assertThat(cachedBySecond(prompting("a", 1), prompting("b", 2))).isZero();
    }

    @Test
    void submit_samePrompt_saltsDecideWhoShares() {
        Bytes32 salt = new Bytes32(9, 9, 9, 9);
        assertThat(cachedBySecond(
                        prompting("a", 1).withCacheSalt(salt), prompting("b", 2).withCacheSalt(salt)))
                .isEqualTo(8);
        assertThat(cachedBySecond(prompting("a", 1), prompting("b", 1).withCacheSalt(salt)))
                .isZero();
    }

    @Test
    void submit_samePrompt_adaptersAndScalesMustAgree() {
        AdapterSelection sea = AdapterSelection.of(SEA);
        AdapterSelection sky = AdapterSelection.of(SKY);
        AdapterSelection halfSea = new AdapterSelection(SEA, 500_000, null);
        assertThat(cachedBySecond(prompting("a", 1, sea), prompting("b", 1, sea)))
                .isEqualTo(8);
        assertThat(cachedBySecond(prompting("a", 1, sea, sky), prompting("b", 1, sky, sea)))
                .as("in any order")
                .isEqualTo(8);
        assertThat(cachedBySecond(prompting("a", 1, sea), prompting("b", 1, sky)))
                .isZero();
        assertThat(cachedBySecond(prompting("a", 1, sea), prompting("b", 1))).isZero();
        assertThat(cachedBySecond(prompting("a", 1, sea), prompting("b", 1, halfSea)))
                .isZero();
        assertThat(cachedBySecond(prompting("a", 1, sea), prompting("b", 1, sea, sky)))
                .isZero();
    }

    @Test
    void prefixSeed_eachPart_counts() {
        Bytes32 salt = new Bytes32(1, 2, 3, 4);
        List<AdapterSelection> sea = List.of(AdapterSelection.of(SEA));
        assertThat(List.of(
                        PrefixSeeds.of(BASE, List.of(), Bytes32.ZERO),
                        PrefixSeeds.of(SKY, List.of(), Bytes32.ZERO),
                        PrefixSeeds.of(BASE, sea, Bytes32.ZERO),
                        PrefixSeeds.of(BASE, List.of(), salt),
                        PrefixSeeds.of(BASE, sea, salt)))
                .doesNotHaveDuplicates();
    }

    @Test
    void submit_choices_drawTheirOwnAndThePromptIsComputedOnce() {
        SamplingParams params =
                SamplingParams.builder(20).temperature(1).seed(42).build();
        LoraEngine engine = engine(new FakeModel(100, 100), new SchedulerConfig(8, 64), 100, Set.of());
        RecordingSink several = new RecordingSink(4);
        engine.submit(request("several", LONG_PROMPT, List.of(), params).withChoices(4), several);
        runUntilIdle(engine);

        assertThat(engine.stats().promptTokens()).isEqualTo(LONG_PROMPT.length);
        // Beside another request, in fewer seats and short of memory: the same draws.
        LoraEngine crowded = engine(new FakeModel(16, 50), new SchedulerConfig(3, 7), 100, Set.of());
        RecordingSink again = new RecordingSink(4);
        crowded.submit(greedy("other", 30), new RecordingSink());
        crowded.submit(request("again", LONG_PROMPT, List.of(), params).withChoices(4), again);
        runUntilIdle(crowded);
        LoraEngine single = engine(new FakeModel(100, 100), new SchedulerConfig(8, 64), 100, Set.of());
        RecordingSink alone = new RecordingSink();
        single.submit(request("alone", LONG_PROMPT, List.of(), params), alone);
        runUntilIdle(single);

        assertThat(several.tokens(0)).as("choice 0 is the single answer").containsExactly(alone.tokens());
        Set<String> answers = new HashSet<>();
        for (int choice = 0; choice < 4; choice++) {
            assertThat(several.tokens(choice)).as("choice %d", choice).containsExactly(again.tokens(choice));
            Usage usage = several.finished(choice).usage();
            assertThat(usage.choice()).isEqualTo(choice);
            assertThat(usage.cachedTokens()).isEqualTo(choice == 0 ? 0 : LONG_PROMPT.length);
            assertThat(usage.outputTokens()).containsExactly(several.tokens(choice));
            answers.add(Arrays.toString(several.tokens(choice)));
        }
        assertThat(answers).as("draws of their own").hasSize(4);
        assertThat(engine.stats().freeBlocks()).isEqualTo(100);
        assertThat(residency.openLeases()).isZero();
    }

    @Test
    void submit_moreChoicesThanSeatsAndMemory_allAreRight() {
        LoraEngine engine = engine(new FakeModel(14, 50), new SchedulerConfig(3, 64), 100, Set.of());
        RecordingSink sink = new RecordingSink(9);
        engine.submit(
                request("a", LONG_PROMPT, List.of(AdapterSelection.of(SEA)), SamplingParams.greedy(25))
                        .withChoices(9),
                sink);
        runUntilIdle(engine);

        int[] expected = FakeModel.expected(LONG_PROMPT, FakeModel.adapterKey(SEA, 1), 25);
        for (int choice = 0; choice < 9; choice++) {
            assertThat(sink.tokens(choice)).as("choice %d", choice).containsExactly(expected);
        }
        assertThat(engine.stats().preemptions()).isPositive();
        assertThat(residency.openLeases()).isZero();
        assertThat(engine.stats().freeBlocks()).isEqualTo(14);
    }

    @Test
    void abort_severalChoices_endsEachWithWhatItHas() {
        LoraEngine engine = engine(new FakeModel(100, 100), new SchedulerConfig(8, 64), 100, Set.of());
        RecordingSink sink = new RecordingSink(3);
        engine.submit(greedy("a", 50, SEA).withChoices(3), sink);
        engine.step();
        engine.step();
        engine.abort("a");
        runUntilIdle(engine);
        for (int choice = 0; choice < 3; choice++) {
            assertThat(sink.finished(choice).reason()).isEqualTo(FinishReason.ABORT);
            assertThat(sink.finished(choice).usage().generatedTokens()).isEqualTo(2);
        }
        assertThat(residency.openLeases()).isZero();
    }

    @Test
    void step_faultWithSeveralChoices_failsOnceAndLast() {
        FakeModel model = new FakeModel(100, 100);
        LoraEngine engine = engine(model, new SchedulerConfig(8, 64), 3, Set.of());
        RecordingSink sink = new RecordingSink(3);
        engine.submit(greedy("a", 50, SEA).withChoices(3), sink);
        engine.step();
        model.failuresLeft = 1;
        runUntilIdle(engine);

        assertThat(sink.awaitFailed()).hasMessageContaining("planted fault");
        assertThat(sink.events().stream().filter(GenerationEvent.Failed.class::isInstance))
                .hasSize(1);
        assertThat(residency.openLeases()).isZero();
        engine.submit(greedy("b", 5).withChoices(3), new RecordingSink(3)); // all three places are free again
    }

    @Test
    void submit_moreChoicesThanAreEverQueued_isRefused() {
        LoraEngine engine = engine(new FakeModel(100, 100), new SchedulerConfig(8, 64), 2, Set.of());
        GenerationRequest request = greedy("a", 5).withChoices(3);
        assertThatThrownBy(() -> engine.submit(request, new RecordingSink(3)))
                .hasMessage("n is 3: this server allows up to 2");
        assertThatThrownBy(() -> request.withChoices(0)).hasMessage("n is 0: allowed is 1 to 128");
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
                Arrays.fill(prompt, 0, random.nextInt(prompt.length + 1), 3); // prefixes to be found
                int choices = random.nextInt(4) == 0 ? 1 + random.nextInt(4) : 1;
                GenerationRequest request = request(id, prompt, adapters, SamplingParams.greedy(1 + random.nextInt(30)))
                        .withChoices(choices)
                        .withPriority(random.nextInt(3))
                        .withCacheSalt(new Bytes32(random.nextInt(2), 0, 0, 0));
                RecordingSink sink = new RecordingSink(choices);
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
            assertThat(entry.getValue().hasEnded()).as("seed %d", seed).isTrue();
            for (int choice = 0; choice < request.choices(); choice++) {
                int[] tokens = entry.getValue().tokens(choice);
                assertThat(tokens)
                        .as("seed %d request %s choice %d", seed, entry.getKey(), choice)
                        .containsExactly(FakeModel.expected(request.prompt(), key, tokens.length));
                streamed += tokens.length;
            }
        }
        assertThat(committed.stream().mapToLong(Usage::generatedTokens).sum()).isEqualTo(streamed);
        assertThat(engine.stats().generatedTokens()).isEqualTo(streamed);
        assertThat(engine.stats().cachedTokens())
                .as("prefixes were meant to be shared")
                .isPositive();
        assertThat(engine.stats().preemptions())
                .as("the memory was meant to be short")
                .isPositive();
        assertThat(residency.openLeases()).isZero();
        assertThat(engine.stats().freeBlocks()).isEqualTo(24);
    }
}
