package org.openlora.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.openlora.adapters.Digest;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.engine.sampling.TokenLogprobs;
import org.openlora.engine.scheduler.SchedulerConfig;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// What the parameters of a request do to its response in the engine.
class EngineSamplingTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
    private static final BillTo TENANT = new BillTo(Bytes32.ZERO, Address.ZERO);
    private static final int[] PROMPT = {1, 2, 3, 4, 5};

    private final FakeModel model = new FakeModel(200, 500);

    private static LoraEngine engine(FakeModel model, Set<Integer> ends) {
        return new LoraEngine(
                new EngineConfig(new SchedulerConfig(8, 16), 100, 3, ends, Digest.ZERO),
                model,
                Letters::new,
                new FakeResidency(),
                usage -> CompletableFuture.completedFuture(Acknowledgements.of(usage.requestId())),
                () -> NOW);
    }

    private static RecordingSink submit(LoraEngine engine, String id, int[] prompt, SamplingParams params) {
        RecordingSink sink = new RecordingSink();
        engine.submit(
                new GenerationRequest(id, prompt, List.of(), params, NOW.plusSeconds(3600), TENANT, Bytes32.ZERO),
                sink);
        return sink;
    }

    private static void runUntilIdle(LoraEngine engine) {
        for (int step = 0; step < 10_000 && engine.step(); step++) {
            engine.checkIntegrity();
        }
    }

    private RecordingSink alone(SamplingParams params, Integer... ends) {
        LoraEngine engine = engine(model, Set.of(ends));
        RecordingSink sink = submit(engine, "a", PROMPT, params);
        runUntilIdle(engine);
        return sink;
    }

    private static SamplingParams.Builder drawn(int maxTokens, long seed) {
        return SamplingParams.builder(maxTokens)
                .temperature(1)
                .topP(0.9)
                .repetitionPenalty(1.3)
                .frequencyPenalty(0.2)
                .seed(seed);
    }

    @Test
    void sample_afterPreemptionAndInCompany_drawsTheSameTokens() {
        LoraEngine crowded = engine(new FakeModel(24, 90), Set.of());
        List<RecordingSink> together = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            together.add(submit(crowded, "r" + i, PROMPT, drawn(40, i).build()));
        }
        runUntilIdle(crowded);
        assertThat(crowded.stats().preemptions())
                .as("the memory was meant to be short")
                .isPositive();
        for (int i = 0; i < 6; i++) {
            assertThat(together.get(i).tokens())
                    .as("seed %d", i)
                    .containsExactly(alone(drawn(40, i).build()).tokens());
        }
        assertThat(together.get(0).tokens()).isNotEqualTo(together.get(1).tokens());
    }

    @Test
    void sample_logitsWithNan_failThatRequestAlone() {
        model.poisonedToken = 96;
        SamplingParams noPoison = SamplingParams.builder(10).logitBias(96, -100).build();
        LoraEngine engine = engine(model, Set.of());
        RecordingSink good = submit(engine, "good", PROMPT, noPoison);
        RecordingSink greedy = submit(engine, "greedy", new int[] {3, 96}, SamplingParams.greedy(10));
        RecordingSink drawn =
                submit(engine, "drawn", new int[] {3, 96}, drawn(10, 1).build());
        runUntilIdle(engine);
        assertThat(good.awaitFinished().reason()).isEqualTo(FinishReason.LENGTH);
        for (RecordingSink sink : List.of(greedy, drawn)) {
            assertThat(sink.tokens()).isEmpty();
            assertThat(sink.awaitFailed().code()).isEqualTo(EngineException.Code.INTERNAL);
            assertThat(sink.awaitFailed()).hasMessage("token 0 of the response cannot be drawn: the logits hold a NaN");
        }
        assertThat(engine.stats().freeBlocks()).isEqualTo(200);
    }

    @Test
    void sample_logitBiasOf100_winsEveryStep() {
        assertThat(alone(SamplingParams.builder(5).logitBias(42, 100).build()).tokens())
                .containsExactly(42, 42, 42, 42, 42);
    }

    @Test
    void sample_minTokens_putsOffEndTokensAndStopTokens() {
        int[] free = alone(SamplingParams.greedy(20)).tokens();
        SamplingParams stops =
                SamplingParams.builder(20).stopTokenIds(List.of(free[3])).build();
        assertThat(alone(stops).tokens()).hasSize(firstOf(free, free[3]) + 1);
        assertThat(alone(SamplingParams.greedy(20), free[2]).tokens()).hasSize(firstOf(free, free[2]) + 1);

        SamplingParams longer = stops.toBuilder().minTokens(10).build();
        int[] tokens = alone(longer, free[2]).tokens();
        assertThat(tokens).hasSizeGreaterThanOrEqualTo(10);
        assertThat(Arrays.copyOf(tokens, 10)).doesNotContain(free[2], free[3]);
    }

    private static int firstOf(int[] tokens, int token) {
        int first = 0;
        while (tokens[first] != token) {
            first++;
        }
        return first;
    }

    @Test
    void accept_includeStop_keepsTheStopTokensText() {
        int[] free = alone(SamplingParams.greedy(20)).tokens();
        SamplingParams stops =
                SamplingParams.builder(20).stopTokenIds(List.of(free[0])).build();
        assertThat(alone(stops).text()).isEmpty();
        assertThat(alone(stops.toBuilder().includeStop(true).build()).text()).isEqualTo(String.valueOf((char) free[0]));
    }

    @Test
    void emit_logprobs_comeWithEachTokenWhereAskedFor() {
        List<@Nullable TokenLogprobs> none = logprobs(alone(SamplingParams.greedy(4)));
        assertThat(none).hasSize(4).containsOnlyNulls();

        RecordingSink sink = alone(SamplingParams.builder(4).logprobs(3).build());
        List<@Nullable TokenLogprobs> greedy = logprobs(sink);
        assertThat(greedy).hasSize(4).doesNotContainNull();
        for (int i = 0; i < 4; i++) {
            TokenLogprobs logprobs = Objects.requireNonNull(greedy.get(i));
            assertThat(logprobs.drawn().tokenId()).isEqualTo(sink.tokens()[i]);
            assertThat(logprobs.top()).hasSize(3);
            assertThat(logprobs.top().getFirst()).isEqualTo(logprobs.drawn());
        }
    }

    private static List<@Nullable TokenLogprobs> logprobs(RecordingSink sink) {
        List<@Nullable TokenLogprobs> logprobs = new ArrayList<>();
        for (GenerationEvent event : sink.events()) {
            if (event instanceof GenerationEvent.Delta delta) {
                logprobs.add(delta.logprobs());
            }
        }
        return logprobs;
    }

    @Test
    void submit_idsBeyondTheVocabulary_areRefused() {
        LoraEngine engine = engine(model, Set.of());
        assertThatThrownBy(() -> submit(
                        engine,
                        "a",
                        PROMPT,
                        SamplingParams.builder(4).logitBias(97, 1).build()))
                .isInstanceOf(EngineException.class)
                .hasMessage("logit_bias is for token 97: allowed is ids from 0 to 96");
        runUntilIdle(engine);
    }
}
