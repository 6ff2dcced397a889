package org.openlora.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/// The gap is what it says: moved by a little more than it, the draw gives the other token.
class DrawGapTest {
    private static final int VOCABULARY = 50;

    private static float[] logits(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] logits = new float[VOCABULARY];
        for (int i = 0; i < VOCABULARY; i++) {
            logits[i] = (float) (4 * random.nextDouble());
        }
        return logits;
    }

    @Test
    void gap_greedy_raisingTheLogitByItGivesTheToken() {
        Sampler sampler = new Sampler(VOCABULARY, Set.of());
        for (int seed = 0; seed < 20; seed++) {
            float[] logits = logits(seed);
            SamplingState state = new SamplingState(SamplingParams.greedy(1), 0, new int[] {1});
            int token = seed % VOCABULARY;
            int drawn = sampler.sample(logits, 0, state);
            DrawGap gap = sampler.gap(logits, 0, token, state);
            assertThat(gap.unit()).isEqualTo(drawn == token ? DrawGap.Unit.PROBABILITY : DrawGap.Unit.LOGIT);
            assertThat(gap.isNearTie(0, 0)).isEqualTo(drawn == token);
            logits[token] += (float) gap.size() + 1e-5f;
            assertThat(sampler.sample(logits, 0, state)).isEqualTo(token);
        }
    }

    @Test
    void gap_drawn_isTheDistanceFromTheTokensShare() {
        Sampler sampler = new Sampler(VOCABULARY, Set.of());
        for (int seed = 0; seed < 20; seed++) {
            float[] logits = logits(seed);
            SamplingParams params =
                    SamplingParams.builder(1).temperature(1).seed(seed).build();
            SamplingState state = new SamplingState(params, 0, new int[] {1});
            double sum = 0;
            for (float logit : logits) {
                sum += Math.exp(logit);
            }
            double uniform = UniformDraws.at(seed, 0, 0);
            double from = 0;
            int drawn = sampler.sample(logits, 0, state);
            for (int token = 0; token < VOCABULARY; token++) {
                double to = from + Math.exp(logits[token]) / sum;
                double expected = token == drawn ? 0 : uniform < from ? from - uniform : uniform - to;
                DrawGap gap = sampler.gap(logits, 0, token, state);
                assertThat(gap.unit()).isEqualTo(DrawGap.Unit.PROBABILITY);
                assertThat(gap.size()).isCloseTo(expected, within(1e-5));
                from = to;
            }
        }
    }

    @Test
    void gap_tokenCutOff_isItsLogitsDistanceFromTheLastKept() {
        Sampler sampler = new Sampler(VOCABULARY, Set.of());
        float[] logits = new float[VOCABULARY];
        for (int i = 0; i < VOCABULARY; i++) {
            logits[i] = -i;
        }
        SamplingParams params =
                SamplingParams.builder(1).temperature(1).topK(5).seed(3).build();
        DrawGap gap = sampler.gap(logits, 0, 7, new SamplingState(params, 0, new int[] {1}));
        assertThat(gap).isEqualTo(new DrawGap(DrawGap.Unit.LOGIT, 3));
    }

    @Test
    void gap_forbiddenToken_isInfinite() {
        Sampler sampler = new Sampler(VOCABULARY, Set.of(9));
        SamplingParams params =
                SamplingParams.builder(4).temperature(1).minTokens(2).topK(5).build();
        DrawGap gap = sampler.gap(logits(1), 0, 9, new SamplingState(params, 0, new int[] {1}));
        assertThat(gap.size()).isInfinite();
        assertThat(gap.isNearTie(1e9, 1)).isFalse();
    }
}
