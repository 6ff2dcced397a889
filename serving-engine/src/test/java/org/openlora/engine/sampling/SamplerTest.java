package org.openlora.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.openlora.engine.sampling.TokenLogprobs.TokenLogprob;

class SamplerTest {
    private static final int[] NO_PROMPT = {};
    private static final Set<Integer> NO_ENDS = Set.of();

    private static SamplingParams.Builder params() {
        return SamplingParams.builder(1_000_000);
    }

    private static SamplingState state(SamplingParams.Builder params) {
        return new SamplingState(params.build(), 0, NO_PROMPT);
    }

    /// Draws from the same logits again and again, as a response of that length.
    private static int[] draw(float[] logits, SamplingParams.Builder params, int count) {
        Sampler sampler = new Sampler(logits.length, NO_ENDS);
        SamplingState state = state(params);
        return IntStream.range(0, count)
                .map(_ -> {
                    int token = sampler.sample(logits, 0, state);
                    state.accept(token);
                    return token;
                })
                .toArray();
    }

    private static float[] gaussian(int vocabulary, double deviation, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] logits = new float[vocabulary];
        for (int id = 0; id < vocabulary; id++) {
            logits[id] = (float) (random.nextGaussian() * deviation);
        }
        return logits;
    }

    @Test
    void sample_greedyWithEqualLogits_takesTheLowestId() {
        float[] logits = {9, 1, 3, 3, 2};
        assertThat(new Sampler(4, NO_ENDS).sample(logits, 1, state(params()))).isEqualTo(1);
    }

    @Test
    void sample_topK1_isGreedy() {
        SplittableRandom random = new SplittableRandom(3);
        Sampler sampler = new Sampler(300, NO_ENDS);
        for (int i = 0; i < 200; i++) {
            float[] logits = new float[300];
            for (int id = 0; id < 300; id++) {
                logits[id] = random.nextInt(10);
            }
            assertThat(sampler.sample(
                            logits, 0, state(params().temperature(2).topK(1).seed(i))))
                    .isEqualTo(sampler.sample(logits, 0, state(params())));
        }
    }

    /// Chi-square over 20,000 draws with a fixed seed: 16 degrees of freedom exceed 45 once in 10,000 seeds.
    @Test
    void sample_manyPositions_followsTheSoftmax() {
        float[] logits = gaussian(17, 1, 5);
        SamplingParams.Builder params = params().temperature(1.3).seed(42);
        double[] expected = ReferenceSampler.probabilities(
                ReferenceSampler.adjusted(logits, params.build(), NO_PROMPT, List.of(), NO_ENDS), params.build());
        int draws = 20_000;
        int[] counts = new int[17];
        for (int token : draw(logits, params, draws)) {
            counts[token]++;
        }
        double chiSquare = 0;
        for (int id = 0; id < 17; id++) {
            double difference = counts[id] - draws * expected[id];
            chiSquare += difference * difference / (draws * expected[id]);
        }
        assertThat(chiSquare).isBetween(3.0, 45.0);
    }

    @Test
    void sample_minusInfinity_isNeverDrawn() {
        float[] logits = new float[200];
        Arrays.fill(logits, Float.NEGATIVE_INFINITY);
        logits[40] = 1;
        logits[170] = 1;
        assertThat(draw(logits, params().temperature(100), 500)).containsOnly(40, 170);
        assertThat(draw(logits, params().temperature(1).topK(5), 500)).containsOnly(40, 170);
        assertThat(draw(logits, params().temperature(1).topP(0.999), 500)).containsOnly(40, 170);
    }

    @Test
    void sample_nucleusAndMinP_cutTheTail() {
        float[] logits = {(float) Math.log(6), (float) Math.log(3), (float) Math.log(1)};
        assertThat(draw(logits, params().temperature(1).topP(0.59), 500)).containsOnly(0);
        assertThat(draw(logits, params().temperature(1).topP(0.61), 500)).containsOnly(0, 1);
        assertThat(draw(logits, params().temperature(1).minP(0.4), 500)).containsOnly(0, 1);
        // 6 of 9 is above 0.65 once top-k took the third away, 6 of 10 is not
        assertThat(draw(logits, params().temperature(1).topP(0.65), 500)).containsOnly(0, 1);
        assertThat(draw(logits, params().temperature(1).topP(0.65).topK(2), 500))
                .containsOnly(0);
        assertThat(draw(logits, params().temperature(1).topP(0.65).minP(0.4), 500))
                .containsOnly(0);
    }

    @Test
    void sample_tinyTemperature_isGreedy() {
        float[] logits = gaussian(1000, 1, 9);
        int best = draw(logits, params(), 1)[0];
        assertThat(draw(logits, params().temperature(1e-42), 20)).containsOnly(best);
        assertThat(draw(logits, params().temperature(1e-42).topP(0.5), 20)).containsOnly(best);
    }

    @Test
    void sample_anyParameters_drawsWhatTheReferenceDraws() {
        SplittableRandom random = new SplittableRandom(1);
        int[] topKs = {0, 0, 1, 3, 40, 700, 1900};
        double[] topPs = {1, 1, 0.1, 0.5, 0.9, 0.9999};
        double[] minPs = {0, 0, 0.01, 0.3, 1};
        double[] temperatures = {0.3, 1, 3};
        for (int vocabulary : new int[] {1, 2, 130, 2000}) {
            Sampler sampler = new Sampler(vocabulary, NO_ENDS);
            for (int round = 0; round < 80; round++) {
                float[] logits = gaussian(vocabulary, round % 3 == 0 ? 0.1 : 4, round);
                if (round % 4 == 0) {
                    for (int id = 0; id < vocabulary; id++) {
                        logits[id] = Math.round(logits[id]); // ties
                    }
                }
                SamplingParams.Builder params = params().temperature(temperatures[random.nextInt(temperatures.length)])
                        .topK(topKs[random.nextInt(topKs.length)])
                        .topP(topPs[random.nextInt(topPs.length)])
                        .minP(minPs[random.nextInt(minPs.length)])
                        .seed(round);
                SamplingState state = state(params);
                double[] probabilities = ReferenceSampler.probabilities(
                        ReferenceSampler.adjusted(logits, params.build(), NO_PROMPT, List.of(), NO_ENDS),
                        params.build());
                for (int draw = 0; draw < 4; draw++) {
                    int expected = ReferenceSampler.draw(probabilities, UniformDraws.at(round, 0, draw));
                    int token = sampler.sample(logits, 0, state);
                    assertThat(token).as("%s of %d", params.build(), vocabulary).isEqualTo(expected);
                    state.accept(token);
                }
            }
        }
    }

    @Test
    void sample_penaltiesBiasAndMinTokens_followTheReference() {
        SplittableRandom random = new SplittableRandom(8);
        Set<Integer> ends = Set.of(3, 299);
        Sampler sampler = new Sampler(300, ends);
        for (int round = 0; round < 40; round++) {
            int[] prompt = random.ints(50, 0, 300).toArray();
            SamplingParams.Builder builder = params().temperature(round % 2)
                    .minTokens(random.nextInt(20))
                    .repetitionPenalty(0.5 + random.nextInt(4) / 2.0)
                    .presencePenalty(random.nextInt(5) / 2.0 - 1)
                    .frequencyPenalty(random.nextInt(5) / 4.0 - 0.5)
                    .logitBias(random.nextInt(300), 100)
                    .logitBias(random.nextInt(300), random.nextInt(8))
                    .logitBias(3, 30)
                    .stopTokenIds(List.of(7))
                    .seed(round);
            SamplingParams params = builder.build();
            SamplingState state = new SamplingState(params, 0, prompt);
            List<Integer> output = new ArrayList<>();
            for (int step = 0; step < 60; step++) {
                float[] logits = gaussian(300, 3, round * 100 + step);
                float[] before = logits.clone();
                double[] adjusted = ReferenceSampler.adjusted(logits, params, prompt, output, ends);
                int expected = params.isGreedy()
                        ? IntStream.range(0, 300)
                                .reduce((a, b) -> adjusted[b] > adjusted[a] ? b : a)
                                .orElseThrow()
                        : ReferenceSampler.draw(
                                ReferenceSampler.probabilities(adjusted, params), UniformDraws.at(round, 0, step));
                int token = sampler.sample(logits, 0, state);
                assertThat(token).as("round %d, step %d", round, step).isEqualTo(expected);
                assertThat(logits).isEqualTo(before);
                if (step < params.minTokens()) {
                    assertThat(token).isNotIn(3, 299, 7);
                }
                output.add(token);
                state.accept(token);
            }
        }
    }

    /// By hand: prompt 0 and 1, response 1, 1, 2; repetition 2, frequency ½, presence ¼.
    @Test
    void adjust_penalties_areRepetitionThenFrequencyAndPresence() {
        SamplingState state = new SamplingState(
                params().repetitionPenalty(2)
                        .frequencyPenalty(0.5)
                        .presencePenalty(0.25)
                        .logitBias(2, 1)
                        .build(),
                0,
                new int[] {0, 1});
        state.accept(1);
        state.accept(1);
        state.accept(2);
        float[] logits = {3, -1, 3, 5};
        state.adjust(logits, new int[0]);
        assertThat(logits)
                .containsExactly(
                        1.5f, // prompt only: 3 / 2
                        -3.25f, // -1 · 2 - 2 · ½ - ¼
                        1.25f, // (3 + 1) / 2 - ½ - ¼
                        5f); // new
    }

    @Test
    void sample_sameSeedChoiceAndPosition_isTheSameInAnyCompany() {
        float[] logits = gaussian(5000, 1, 11);
        SamplingParams.Builder params =
                params().temperature(0.9).topP(0.9).topK(400).seed(5);
        int[] alone = draw(logits, params, 30);
        Sampler shared = new Sampler(5000, NO_ENDS);
        SamplingState state = state(params);
        SamplingState other = new SamplingState(params().temperature(2).build(), 0, NO_PROMPT);
        float[] rows = new float[3 * 5000];
        System.arraycopy(gaussian(5000, 3, 12), 0, rows, 0, 5000);
        System.arraycopy(logits, 0, rows, 5000, 5000);
        for (int token : alone) {
            other.accept(shared.sample(rows, 0, other));
            assertThat(shared.sample(rows, 5000, state)).isEqualTo(token);
            // A draw that is made again, as after a preemption, is the same draw.
            assertThat(shared.sample(rows, 5000, state)).isEqualTo(token);
            state.accept(token);
        }
    }

    @Test
    void sample_otherChoiceOrSeed_drawsOtherwise() {
        float[] logits = new float[1000];
        Sampler sampler = new Sampler(1000, NO_ENDS);
        SamplingParams params = params().temperature(1).seed(5).build();
        SamplingParams otherSeed = params.toBuilder().seed(6).build();
        Set<Integer> drawn = Set.of(
                sampler.sample(logits, 0, new SamplingState(params, 0, NO_PROMPT)),
                sampler.sample(logits, 0, new SamplingState(params, 1, NO_PROMPT)),
                sampler.sample(logits, 0, new SamplingState(otherSeed, 0, NO_PROMPT)));
        assertThat(drawn).hasSize(3);
    }

    @Test
    void sample_logitsThatAllowNoDraw_failNamingWhy() {
        float[] nan = gaussian(1000, 1, 1);
        nan[700] = Float.NaN;
        float[] infinite = gaussian(1000, 1, 1);
        infinite[700] = Float.POSITIVE_INFINITY;
        float[] empty = new float[1000];
        Arrays.fill(empty, Float.NEGATIVE_INFINITY);
        List<SamplingParams.Builder> all = List.of(
                params(), params().temperature(1), params().temperature(1).topP(0.5), params().frequencyPenalty(1));
        for (SamplingParams.Builder params : all) {
            assertThatThrownBy(() -> draw(nan, params, 1))
                    .isInstanceOf(UnusableLogitsException.class)
                    .hasMessageContaining("NaN");
            assertThatThrownBy(() -> draw(infinite, params, 1)).hasMessageContaining("infinite");
            assertThatThrownBy(() -> draw(empty, params, 1)).hasMessageContaining("no token is left");
        }
    }

    @Test
    void logprobs_rawLogits_areTheLogSoftmax() {
        float[] row = gaussian(3000, 4, 21);
        float[] rows = new float[3100];
        System.arraycopy(row, 0, rows, 100, 3000);
        rows[100 + 2999] = rows[100 + 5] = 30; // a tie at the top
        double sum = 0;
        for (int id = 0; id < 3000; id++) {
            sum += Math.exp(rows[100 + id]);
        }
        double logSum = Math.log(sum);
        TokenLogprobs logprobs = new Sampler(3000, NO_ENDS).logprobs(rows, 100, 17, 20);
        assertThat(logprobs.drawn().tokenId()).isEqualTo(17);
        assertThat(logprobs.drawn().logprob()).isCloseTo((float) (rows[117] - logSum), within(1e-5f));
        List<Integer> best = IntStream.range(0, 3000)
                .boxed()
                .sorted((a, b) -> Float.compare(rows[100 + b], rows[100 + a]))
                .limit(20)
                .toList();
        assertThat(logprobs.top()).extracting(TokenLogprob::tokenId).isEqualTo(best);
        for (TokenLogprob top : logprobs.top()) {
            assertThat(top.logprob()).isCloseTo((float) (rows[100 + top.tokenId()] - logSum), within(1e-5f));
        }
        assertThat(new Sampler(3000, NO_ENDS).logprobs(rows, 100, 17, 0).top()).isEmpty();
    }
}
