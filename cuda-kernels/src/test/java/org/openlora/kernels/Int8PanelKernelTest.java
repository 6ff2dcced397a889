package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Int8PanelKernelTest extends LinearKernelContract {
    @Override
    LinearKernel kernel(WorkerPool pool) {
        return new Int8PanelKernel(pool);
    }

    @Override
    String matrix() {
        return "Int8PanelMatrix";
    }

    /// Outputs below, at and beyond whole panels, inputs below, at and beyond whole groups: the product is that of
    /// the quantised weights, which another loop computes from their definition.
    @ParameterizedTest
    @CsvSource({"1,1", "5,3", "16,8", "17,31", "64,128", "100,129", "129,640", "577,257"})
    void multiply_anyShape_isTheProductWithTheQuantisedWeights(int outputs, int inputs) {
        try (Arena arena = Arena.ofShared()) {
            float[] weights = Data.bf16Floats(1, outputs * inputs);
            Int8PanelKernel kernel = new Int8PanelKernel(TWO);
            PackedMatrix packed = kernel.pack(arena, Data.bf16(arena, weights), outputs, inputs);
            float[] quantised = quantised(weights, outputs, inputs);
            for (int rows : ROWS) {
                float[] x = Data.floats(rows, rows * inputs);
                float[] expected = product(quantised, outputs, inputs, x, rows);
                Tolerance.LINEAR.check(rows + " rows", multiply(kernel, packed, x, rows), expected);
            }
        }
    }

    /// Half a step is the most that rounding to nearest may lose; a group of zeros loses nothing.
    @Test
    void pack_anyWeights_areWithinHalfAStepOfTheirGroup() {
        int inputs = 300;
        float[] weights = Data.bf16Floats(7, 3 * inputs);
        Arrays.fill(weights, inputs, inputs + 128, 0f);
        try (Arena arena = Arena.ofShared()) {
            Int8PanelKernel kernel = new Int8PanelKernel(ONE);
            PackedMatrix packed = kernel.pack(arena, Data.bf16(arena, weights), 3, inputs);
            for (int k = 0; k < inputs; k++) {
                float[] unit = new float[inputs];
                unit[k] = 1;
                float[] column = multiply(kernel, packed, unit, 1);
                for (int output = 0; output < 3; output++) {
                    float largest = largest(weights, output * inputs, k / 128 * 128, inputs);
                    double error = Math.abs((double) column[output] - weights[output * inputs + k]);
                    assertThat(error).as("[%s, %s]", output, k).isLessThanOrEqualTo(largest / 254 * 1.00001);
                }
            }
        }
    }

    /// Steps of 1, so that halves are ties: they go to the even neighbour, and 127 is reached on both sides.
    @Test
    void pack_ties_goToEven() {
        float[] weights = {127, -127, 0.5f, 1.5f, -0.5f, -1.5f, 2.5f, 0};
        try (Arena arena = Arena.ofShared()) {
            Int8PanelKernel kernel = new Int8PanelKernel(ONE);
            PackedMatrix packed = kernel.pack(arena, Data.bf16(arena, weights), 1, 8);
            float[] q = new float[8];
            for (int k = 0; k < 8; k++) {
                float[] unit = new float[8];
                unit[k] = 1;
                q[k] = multiply(kernel, packed, unit, 1)[0];
            }
            assertThat(q).containsExactly(127, -127, 0, 2, 0, -2, 2, 0);
        }
    }

    @Test
    void pack_twice_givesTheSameBytes_andTheyAreAllOfTheMatrix() {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment weights = Data.bf16(arena, Data.floats(8, 70 * 300));
            PackedMatrix packed = new Int8PanelKernel(TWO).pack(arena, weights, 70, 300);
            MemorySegment bytes = Int8PanelKernel.bytes(packed);
            assertThat(bytes.byteSize()).isEqualTo(Int8PanelKernel.packedBytes(70, 300));
            MemorySegment again = Int8PanelKernel.bytes(new Int8PanelKernel(ONE).pack(arena, weights, 70, 300));
            assertThat(bytes.mismatch(again)).isEqualTo(-1);

            MemorySegment copy = arena.allocate(bytes.byteSize(), 64).copyFrom(bytes);
            float[] x = Data.floats(9, 5 * 300);
            Int8PanelKernel kernel = new Int8PanelKernel(TWO);
            assertThat(multiply(kernel, Int8PanelKernel.fromBytes(copy, 70, 300), x, 5))
                    .isEqualTo(multiply(kernel, packed, x, 5));
        }
    }

    @Test
    void pack_badWeights_areRefusedByName() {
        try (Arena arena = Arena.ofShared()) {
            Int8PanelKernel kernel = new Int8PanelKernel(ONE);
            float[] weights = new float[12];
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.pack(arena, Data.bf16(arena, weights), 4, 4))
                    .withMessage("weights [4, 4] holds 24 bytes, needs 32 bytes");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.pack(arena, Data.bf16(arena, weights), 3, 0))
                    .withMessage("inputs is 0, must be positive");
            weights[6] = Float.POSITIVE_INFINITY;
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.pack(arena, Data.bf16(arena, weights), 3, 4))
                    .withMessage("weight [1, 2] is Infinity, must be finite to be quantised");
        }
    }

    @Test
    void multiply_panelsOfAnotherFormat_areRefusedByName() {
        try (Arena arena = Arena.ofShared()) {
            Int8PanelKernel kernel = new Int8PanelKernel(ONE);
            MemorySegment weights = Data.bf16(arena, new float[12]);
            PackedMatrix foreign = new PanelKernel(ONE).pack(arena, weights, 3, 4);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.multiply(foreign, new float[8], 2, new float[6]))
                    .withMessage("matrix was packed by another kernel: PanelMatrix, needs Int8PanelMatrix");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> Int8PanelKernel.fromBytes(arena.allocate(8), 3, 4))
                    .withMessage(
                            "int8 panels [3, 4] holds 8 bytes, needs " + Int8PanelKernel.packedBytes(3, 4) + " bytes");
        }
    }

    private static float[] quantised(float[] weights, int outputs, int inputs) {
        float[] values = new float[weights.length];
        for (int output = 0; output < outputs; output++) {
            for (int k = 0; k < inputs; k++) {
                float scale = largest(weights, output * inputs, k / 128 * 128, inputs) / 127;
                float weight = weights[output * inputs + k];
                values[output * inputs + k] = scale == 0 ? 0 : (float) Math.rint(weight / scale) * scale;
            }
        }
        return values;
    }

    /// Largest magnitude of the group of a row that begins at input `from`.
    private static float largest(float[] weights, int row, int from, int inputs) {
        float largest = 0;
        for (int k = from; k < Math.min(from + 128, inputs); k++) {
            largest = Math.max(largest, Math.abs(weights[row + k]));
        }
        return largest;
    }

    private static float[] product(float[] weights, int outputs, int inputs, float[] x, int rows) {
        float[] y = new float[rows * outputs];
        for (int row = 0; row < rows; row++) {
            for (int output = 0; output < outputs; output++) {
                double sum = 0;
                for (int k = 0; k < inputs; k++) {
                    sum += (double) weights[output * inputs + k] * x[row * inputs + k];
                }
                y[row * outputs + output] = (float) sum;
            }
        }
        return y;
    }
}
