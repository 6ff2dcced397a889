package org.openlora.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.openlora.adapters.Digest;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.engine.scheduler.SchedulerConfig;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// Answers of a crowded engine, drawn again one by one.
class ReplayerTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
    private static final Instant DEADLINE = NOW.plusSeconds(3600);
    private static final int END = 7;
    private static final int CHUNK_ROWS = 5;
    private static final int[] PROMPT = {11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21};

    private final FakeResidency residency = new FakeResidency();
    private final List<Usage> served = new ArrayList<>();

    private LoraEngine engine(int blocks) {
        return new LoraEngine(
                new EngineConfig(new SchedulerConfig(4, 16), 1000, 3, Set.of(END), Digest.ZERO),
                new FakeModel(blocks, 200),
                Letters::new,
                residency,
                usage -> {
                    served.add(usage);
                    return CompletableFuture.completedFuture(Acknowledgements.of(usage.requestId()));
                },
                () -> NOW);
    }

    private Usage serve(SamplingParams params, AdapterSelection... adapters) {
        LoraEngine engine = engine(100);
        submit(engine, "r" + served.size(), params, 1, List.of(adapters));
        runUntilIdle(engine);
        return served.getLast();
    }

    private static void submit(
            LoraEngine engine, String id, SamplingParams params, int choices, List<AdapterSelection> adapters) {
        engine.submit(
                new GenerationRequest(
                                id,
                                PROMPT,
                                adapters,
                                params,
                                DEADLINE,
                                new BillTo(Bytes32.ZERO, Address.ZERO),
                                Bytes32.ZERO)
                        .withChoices(choices),
                new RecordingSink(choices));
    }

    private static void runUntilIdle(LoraEngine engine) {
        for (int step = 0; step < 10_000 && engine.step(); step++) {
            engine.checkIntegrity();
        }
    }

    private Replayer replayer() {
        return new Replayer(new FakeModel(60, 200), residency, Set.of(END), Letters::new, CHUNK_ROWS);
    }

    private Replay replay(RecordedAnswer answer) throws InterruptedException {
        Replay replay = replayer().replay(answer, DEADLINE);
        assertThat(residency.openLeases()).isZero();
        return replay;
    }

    private static SamplingParams.Builder drawn(long seed) {
        return SamplingParams.builder(40).temperature(0.9).seed(seed);
    }

    private static RecordedAnswer with(RecordedAnswer answer, int[] output, FinishReason reason) {
        return new RecordedAnswer(answer.prompt(), output, answer.adapters(), answer.params(), answer.choice(), reason);
    }

    @Test
    void replay_answersOfACrowdedEngine_drawsEveryTokenAgain() throws InterruptedException {
        AdapterSelection sea = AdapterSelection.of(EngineHarness.SEA);
        AdapterSelection sky = new AdapterSelection(EngineHarness.SKY, -500_000, null);
        List<SamplingParams> parameters = List.of(
                SamplingParams.greedy(40),
                drawn(1).build(),
                drawn(2).topK(8).build(),
                drawn(3).topP(0.7).build(),
                drawn(4).minP(0.05).topK(20).topP(0.9).build(),
                drawn(5).repetitionPenalty(1.4)
                        .presencePenalty(0.3)
                        .frequencyPenalty(0.2)
                        .build(),
                drawn(6).logitBias(3, 4.5).logitBias(END, 1).minTokens(12).build(),
                drawn(7).stop("b", "ta").stopTokenIds(List.of(44, 45)).build(),
                drawn(8).ignoreEos(true).logprobs(2).build());
        LoraEngine crowded = engine(20);
        for (int i = 0; i < parameters.size(); i++) {
            submit(crowded, "plain" + i, parameters.get(i), 1, List.of());
            submit(crowded, "blend" + i, parameters.get(i), 1 + i % 3, List.of(sea, sky));
        }
        runUntilIdle(crowded);
        assertThat(crowded.stats().preemptions()).isPositive();
        assertThat(crowded.stats().cachedTokens()).isPositive();
        assertThat(served).hasSizeGreaterThan(2 * parameters.size());
        for (Usage usage : served) {
            Replay replay = replay(RecordedAnswer.of(usage));
            assertThat(replay.disagreements()).as(usage.requestId()).isEmpty();
            assertThat(replay.isExact()).as(usage.requestId()).isTrue();
            assertThat(replay.positions()).isEqualTo(usage.generatedTokens());
        }
    }

    @Test
    void replay_anotherTokenRecorded_saysWhereAndByHowMuch() throws InterruptedException {
        RecordedAnswer answer = RecordedAnswer.of(serve(SamplingParams.greedy(10)));
        int[] output = answer.output();
        int right = output[9];
        output[9] = (right + 1) % FakeModel.VOCABULARY;
        Replay replay = replay(with(answer, output, FinishReason.LENGTH));
        assertThat(replay.isExact()).isFalse();
        assertThat(replay.disagreements()).singleElement().satisfies(found -> {
            assertThat(found.position()).isEqualTo(9);
            assertThat(found.recorded()).isEqualTo(output[9]);
            assertThat(found.drawn()).isEqualTo(right);
            assertThat(found.gap().size()).isPositive();
        });
    }

    @Test
    void replay_anotherAdapterScaleSeedOrChoiceRecorded_disagrees() throws InterruptedException {
        AdapterSelection sea = AdapterSelection.of(EngineHarness.SEA);
        RecordedAnswer answer = RecordedAnswer.of(serve(drawn(5).build(), sea));
        List<AdapterSelection> sky = List.of(AdapterSelection.of(EngineHarness.SKY));
        List<AdapterSelection> half = List.of(new AdapterSelection(EngineHarness.SEA, 500_000, null));
        List<RecordedAnswer> wrong = List.of(
                new RecordedAnswer(answer.prompt(), answer.output(), sky, answer.params(), 0, answer.finishReason()),
                new RecordedAnswer(answer.prompt(), answer.output(), half, answer.params(), 0, answer.finishReason()),
                new RecordedAnswer(
                        answer.prompt(),
                        answer.output(),
                        List.of(sea),
                        answer.params().toBuilder().seed(6).build(),
                        0,
                        answer.finishReason()),
                new RecordedAnswer(
                        answer.prompt(), answer.output(), List.of(sea), answer.params(), 1, answer.finishReason()));
        assertThat(replay(answer).isExact()).isTrue();
        for (RecordedAnswer one : wrong) {
            assertThat(replay(one).disagreements()).isNotEmpty();
        }
    }

    @Test
    void replay_answerThatGoesOnBehindItsEnd_saysSo() throws InterruptedException {
        RecordedAnswer answer =
                RecordedAnswer.of(serve(drawn(6).logitBias(END, 3).build()));
        assertThat(answer.finishReason()).isEqualTo(FinishReason.STOP);
        int[] longer = Arrays.copyOf(answer.output(), answer.output().length + 2);
        assertThat(replay(with(answer, longer, FinishReason.LENGTH)).ending()).isEqualTo(Replay.Ending.WENT_ON);
    }

    @Test
    void replay_answerSaidToBeStoppedByNothing_saysSo() throws InterruptedException {
        RecordedAnswer answer = RecordedAnswer.of(serve(drawn(6).ignoreEos(true).build()));
        Replay replay = replay(with(answer, answer.output(), FinishReason.STOP));
        assertThat(replay.disagreements()).isEmpty();
        assertThat(replay.ending()).isEqualTo(Replay.Ending.CUT_SHORT);
    }

    @Test
    void replay_answerCancelledByItsClient_isExact() throws InterruptedException {
        RecordedAnswer answer = RecordedAnswer.of(serve(SamplingParams.greedy(20)));
        int[] cut = Arrays.copyOf(answer.output(), 6);
        assertThat(replay(with(answer, cut, FinishReason.ABORT)).isExact()).isTrue();
    }

    @Test
    void replay_unusableRecord_namesWhatIsWrong() {
        RecordedAnswer answer = RecordedAnswer.of(serve(SamplingParams.greedy(3)));
        int[] foreign = answer.output();
        foreign[1] = FakeModel.VOCABULARY;
        assertThatThrownBy(() -> replay(with(answer, foreign, FinishReason.LENGTH)))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("token 97 is not in the vocabulary");
        assertThatThrownBy(() -> replay(with(answer, new int[500], FinishReason.LENGTH)))
                .hasMessageContaining("511 tokens, the model's context 200");
        assertThatThrownBy(() -> with(answer, new int[0], FinishReason.LENGTH)).hasMessageContaining("0 output tokens");
    }
}
