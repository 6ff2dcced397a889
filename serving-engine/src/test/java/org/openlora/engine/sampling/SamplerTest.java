package org.openlora.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SamplerTest {
    private static SamplingParams params(float temperature, float topP, int topK, float minP, long seed) {
        return SamplingParams.builder(8)
                .temperature(temperature)
                .topP(topP)
                .topK(topK)
                .minP(minP)
                .seed(seed)
                .build();
    }

    @Test
    void sample_greedyWithEqualLogits_takesTheLowestId() {
        float[] logits = {9, 1, 3, 3, 2};
        assertThat(new Sampler(4).sample(logits, 1, SamplingParams.greedy(1), 0))
                .isEqualTo(1);
    }

    @Test
    void sample_topK1_isGreedy() {
        SplittableRandom random = new SplittableRandom(3);
        Sampler sampler = new Sampler(50);
        for (int i = 0; i < 200; i++) {
            float[] logits = new float[50];
            for (int id = 0; id < 50; id++) {
                logits[id] = random.nextInt(10);
            }
            assertThat(sampler.sample(logits, 0, params(2, 1, 1, 0, i), i)).isEqualTo(Sampler.argmax(logits, 0, 50));
        }
    }

    @Test
    void sample_manyPositions_followsTheSoftmax() {
        float[] logits = {0, (float) Math.log(2), (float) Math.log(5), Float.NEGATIVE_INFINITY};
        int[] counts = new int[4];
        Sampler sampler = new Sampler(4);
        for (int position = 0; position < 80_000; position++) {
            counts[sampler.sample(logits, 0, params(1, 1, 0, 0, 42), position)]++;
        }
        assertThat(counts[0] / 80_000.0).isCloseTo(1 / 8.0, within(0.01));
        assertThat(counts[1] / 80_000.0).isCloseTo(2 / 8.0, within(0.01));
        assertThat(counts[2] / 80_000.0).isCloseTo(5 / 8.0, within(0.01));
        assertThat(counts[3]).isZero();
    }

    @Test
    void sample_nucleusAndMinP_cutTheTail() {
        float[] logits = {(float) Math.log(6), (float) Math.log(3), (float) Math.log(1)};
        Sampler sampler = new Sampler(3);
        for (int position = 0; position < 2_000; position++) {
            assertThat(sampler.sample(logits, 0, params(1, 0.59f, 0, 0, 1), position))
                    .isZero();
            assertThat(sampler.sample(logits, 0, params(1, 0.61f, 0, 0, 1), position))
                    .isLessThan(2);
            assertThat(sampler.sample(logits, 0, params(1, 1, 0, 0.4f, 1), position))
                    .isLessThan(2);
        }
    }

    @Test
    void sample_sameSeedAndPosition_isTheSameInAnyCompany() {
        float[] logits = new float[300];
        SplittableRandom random = new SplittableRandom(11);
        for (int id = 0; id < 300; id++) {
            logits[id] = random.nextInt(5);
        }
        Sampler fresh = new Sampler(300);
        int expected = fresh.sample(logits, 0, params(0.9f, 0.9f, 40, 0, 5), 17);
        Sampler used = new Sampler(300);
        for (int i = 0; i < 10; i++) {
            used.sample(logits, 0, params(1.5f, 0.5f, 7, 0, i), i);
        }
        assertThat(used.sample(logits, 0, params(0.9f, 0.9f, 40, 0, 5), 17)).isEqualTo(expected);
    }

    @Test
    void params_outOfRange_nameTheFieldAndTheRange() {
        assertThatThrownBy(() -> params(-1, 1, 0, 0, 0))
                .hasMessageContaining("temperature is -1.0")
                .hasMessageContaining("from 0 to 100");
        assertThatThrownBy(() -> params(1, 0, 0, 0, 0)).hasMessageContaining("top_p");
        assertThatThrownBy(() -> SamplingParams.greedy(0)).hasMessageContaining("max_tokens is 0");
        assertThatThrownBy(() -> params(1, 1, -2, 0, 0)).hasMessageContaining("top_k");
        assertThatThrownBy(() -> params(1, 1, 0, 2, 0)).hasMessageContaining("min_p");
    }
}
