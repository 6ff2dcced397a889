package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class VocabularyTest {
    private static final int[] LENGTHS = {1, 3, 127, 128, 129, 1000, 5000};
    private static final int OFFSET = 5;

    private static float[] logits(int length, long seed, int values) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] logits = new float[OFFSET + length + 3];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = random.nextInt(values) / 16f - 20;
        }
        return logits;
    }

    private static int firstLargest(float[] logits, int length) {
        int best = 0;
        for (int i = 1; i < length; i++) {
            if (logits[OFFSET + i] > logits[OFFSET + best]) {
                best = i;
            }
        }
        return best;
    }

    @Test
    void argmax_anyLengthAndManyTies_isTheFirstLargest() {
        for (int length : LENGTHS) {
            for (int values : new int[] {1, 2, 30, 1_000_000}) {
                float[] logits = logits(length, length + values, values);
                assertThat(Vocabulary.argmax(logits, OFFSET, length)).isEqualTo(firstLargest(logits, length));
            }
        }
    }

    @Test
    void argmax_zerosOfBothSigns_areEqual() {
        float[] logits = new float[300];
        Arrays.fill(logits, -1);
        logits[70] = -0f;
        logits[71] = 0f;
        logits[200] = 0f;
        assertThat(Vocabulary.argmax(logits, 0, 300)).isEqualTo(70);
    }

    @Test
    void argmax_nanAnywhere_isReported() {
        for (int length : LENGTHS) {
            for (int at = 0; at < length; at += 1 + length / 20) {
                float[] logits = logits(length, 1, 100);
                logits[OFFSET + at] = Float.NaN;
                assertThat(Vocabulary.argmax(logits, OFFSET, length)).isEqualTo(-1);
                assertThat(Vocabulary.blockMaxima(logits, OFFSET, length, new float[Vocabulary.blocks(length)]))
                        .isNaN();
            }
        }
    }

    @Test
    void blockMaxima_everyBlock_isItsLargest() {
        for (int length : LENGTHS) {
            float[] logits = logits(length, length, 10_000);
            float[] maxima = new float[Vocabulary.blocks(length)];
            float largest = Vocabulary.blockMaxima(logits, OFFSET, length, maxima);
            assertThat(largest).isEqualTo(logits[OFFSET + firstLargest(logits, length)]);
            float[] expected = new float[maxima.length];
            Arrays.fill(expected, Float.NEGATIVE_INFINITY);
            for (int i = 0; i < length; i++) {
                int block = i / Vocabulary.BLOCK;
                expected[block] = Math.max(expected[block], logits[OFFSET + i]);
            }
            assertThat(maxima).isEqualTo(expected);
        }
    }

    @Test
    void expSums_anyLength_areWithinAMillionthOfTheSum() {
        for (int length : LENGTHS) {
            float[] logits = logits(length, length, 640);
            double[] sums = new double[Vocabulary.blocks(length)];
            double total = new Vocabulary().expSums(logits, OFFSET, length, 20, 0.7f, sums);
            double expected = 0;
            double ofBlocks = 0;
            for (int i = 0; i < length; i++) {
                expected += StrictMath.exp((logits[OFFSET + i] - 20) * 0.7f);
            }
            for (double sum : sums) {
                ofBlocks += sum;
            }
            assertThat(total / expected).isCloseTo(1, within(1e-6));
            assertThat(ofBlocks).isEqualTo(total);
        }
    }

    @Test
    void expSums_fixedLogits_haveTheseBitsOnEveryVectorWidth() {
        double[] sums = new double[Vocabulary.blocks(1000)];
        double total = new Vocabulary().expSums(logits(1000, 4, 640), OFFSET, 1000, 20, 0.7f, sums);
        assertThat(Double.toHexString(total)).isEqualTo("0x1.39957e4474a2p5");
    }

    @Test
    void exp_minusInfinity_isExactlyZero() {
        float[] values = new float[Vocabulary.BLOCK];
        values[0] = Float.NEGATIVE_INFINITY;
        values[1] = 3;
        values[2] = 2;
        Vocabulary.exp(values, 3, 3, 1);
        assertThat(values[0]).isZero();
        assertThat(values[1]).isEqualTo(1);
        assertThat(values[2]).isCloseTo((float) Math.exp(-1), within(1e-7f));
    }

    @Test
    void argmax_rowBeyondTheArray_saysSo() {
        assertThatThrownBy(() -> Vocabulary.argmax(new float[10], 5, 6))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("logits holds 10 floats");
    }
}
