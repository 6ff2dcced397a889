package org.openlora.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class TokenCountsTest {
    private static final int VOCABULARY = 2_000;

    @Test
    void penalise_manyTokensWhileTheTableGrows_losesNoCount() {
        SplittableRandom random = new SplittableRandom(2);
        TokenCounts counts = new TokenCounts();
        int[] outputs = new int[VOCABULARY];
        boolean[] seen = new boolean[VOCABULARY];
        for (int i = 0; i < 3_000; i++) {
            int token = random.nextInt(VOCABULARY);
            seen[token] = true;
            if (i % 3 == 0) {
                counts.addPrompt(token);
            } else {
                counts.addOutput(token);
                outputs[token]++;
            }
            if (i % 100 == 0) {
                assertThat(penalised(counts)).isEqualTo(expected(outputs, seen));
            }
        }
        assertThat(penalised(counts)).isEqualTo(expected(outputs, seen));
    }

    private static float[] penalised(TokenCounts counts) {
        float[] logits = new float[VOCABULARY];
        Arrays.fill(logits, 8);
        counts.penalise(logits, new Penalties(2, 0.5f, 0.25f));
        return logits;
    }

    private static float[] expected(int[] outputs, boolean[] seen) {
        float[] logits = new float[VOCABULARY];
        for (int id = 0; id < VOCABULARY; id++) {
            float repeated = seen[id] ? 4 : 8;
            logits[id] = repeated - outputs[id] * 0.25f - (outputs[id] > 0 ? 0.5f : 0);
        }
        return logits;
    }
}
