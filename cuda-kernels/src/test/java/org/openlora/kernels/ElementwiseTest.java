package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ElementwiseTest {
    private static final int[] ROWS = {1, 2, 3, 7, 16, 33, 133};
    private static final WorkerPool ONE = new WorkerPool(1);
    private static final WorkerPool TWO = new WorkerPool(2);
    private final Elementwise elementwise = new Elementwise(TWO);

    @AfterAll
    static void closePools() {
        ONE.close();
        TWO.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 16, 65, 576})
    void rmsNorm_anyShape_isNearTheReferenceAndBatchInvariant(int width) {
        float[] weight = Data.floats(1, width);
        for (int rows : ROWS) {
            float[] x = Data.floats(rows, rows * width);
            float[] expected = new float[rows * width];
            ReferenceKernels.rmsNorm(x, rows, width, weight, 1e-5f, expected);
            float[] actual = new float[rows * width];
            elementwise.rmsNorm(x, rows, width, weight, 1e-5f, actual);
            Tolerance.NORM.check(rows + " rows", actual, expected);
            float[] oneThread = x.clone();
            new Elementwise(ONE).rmsNorm(oneThread, rows, width, weight, 1e-5f, oneThread);
            assertThat(oneThread).as("in place, one thread").isEqualTo(actual);
            float[] alone = new float[width];
            elementwise.rmsNorm(Data.row(x, rows - 1, width), 1, width, weight, 1e-5f, alone);
            assertThat(alone).isEqualTo(Data.row(actual, rows - 1, width));
        }
    }

    @Test
    void rmsNormHeads_stridedBuffer_normsEachHeadAndNothingElse() {
        int rows = 5;
        int stride = 100;
        float[] weight = Data.floats(1, 12);
        float[] before = Data.floats(2, rows * stride);
        float[] expected = before.clone();
        for (int row = 0; row < rows; row++) {
            for (int head = 0; head < 3; head++) {
                int at = row * stride + 20 + head * 12;
                float[] out = new float[12];
                elementwise.rmsNorm(Arrays.copyOfRange(before, at, at + 12), 1, 12, weight, 1e-6f, out);
                System.arraycopy(out, 0, expected, at, 12);
            }
        }
        elementwise.rmsNormHeads(before, rows, stride, 20, 3, 12, weight, 1e-6f);
        assertThat(before).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 16, 65, 1536})
    void siluMul_anyShape_isNearTheReferenceAndBatchInvariant(int width) {
        for (int rows : ROWS) {
            float[] gateUp = Data.floats(rows, rows * 2 * width);
            for (int i = 0; i < gateUp.length; i++) {
                gateUp[i] *= 12;
            }
            float[] expected = new float[rows * width];
            ReferenceKernels.siluMul(gateUp, rows, width, expected);
            float[] actual = new float[rows * width];
            elementwise.siluMul(gateUp, rows, width, actual);
            Tolerance.SILU.check(rows + " rows", actual, expected);
            float[] alone = new float[width];
            new Elementwise(ONE).siluMul(Data.row(gateUp, rows - 1, 2 * width), 1, width, alone);
            assertThat(alone).isEqualTo(Data.row(actual, rows - 1, width));
        }
    }

    @Test
    void siluMul_extremeGates_staysFiniteAndKeepsNaN() {
        float[] gateUp = {-1000, 1000, Float.NaN, -88, 1, 1, 1, 1};
        float[] out = new float[4];
        elementwise.siluMul(gateUp, 1, 4, out);
        assertThat(out[0]).isBetween(-1e-30f, 0f);
        assertThat(out[1]).isEqualTo(1000);
        assertThat(out[2]).isNaN();
        assertThat(out[3]).isBetween(-1e-30f, 0f);
    }

    @Test
    void addInPlaceAndAddBias_oddLengths_addEachElementOnce() {
        float[] y = Data.floats(1, 3 * 21);
        float[] x = Data.floats(2, 3 * 21);
        float[] bias = Data.floats(3, 21);
        float[] expected = new float[y.length];
        for (int i = 0; i < y.length; i++) {
            expected[i] = y[i] + x[i] + bias[i % 21];
        }
        elementwise.addInPlace(y, x, y.length);
        elementwise.addBias(y, 3, 21, bias);
        assertThat(y).isEqualTo(expected);
    }

    @Test
    void anyOperation_shortOperand_isRefusedByName() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> elementwise.rmsNorm(new float[5], 2, 3, new float[3], 0, new float[6]))
                .withMessage("x holds 5 floats, needs [2, 3]");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> elementwise.siluMul(new float[12], 2, 3, new float[5]))
                .withMessage("out holds 5 floats, needs [2, 3]");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> elementwise.addBias(new float[6], 2, 3, new float[2]))
                .withMessage("bias holds 2 floats, needs [1, 3]");
    }
}
