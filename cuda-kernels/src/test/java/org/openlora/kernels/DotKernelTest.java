package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.openlora.kernels.x86.MachineCode;

class DotKernelTest extends LinearKernelContract {
    @Override
    LinearKernel kernel(WorkerPool pool) {
        return new DotKernel(pool);
    }

    @Override
    String matrix() {
        return "DotMatrix";
    }

    @BeforeAll
    static void assumeInstructions() {
        assumeTrue(
                CpuFeatures.detect().avx512Bf16() && MachineCode.isPossible(),
                "the processor does not multiply bf16 in vectors");
    }

    /// Outputs below, at and beyond whole panels; odd inputs, and more than a block of rows. Bit for bit the sums that
    /// the documentation names, in plain Java: an audit needs no such processor.
    @ParameterizedTest
    @CsvSource({"1,1", "5,3", "32,8", "33,31", "31,64", "64,7", "100,513", "129,1025", "70,2049", "577,129"})
    void multiply_anyShape_hasTheBitsOfTheFormula(int outputs, int inputs) {
        try (Arena arena = Arena.ofShared()) {
            float[] w = Data.bf16Floats(1, outputs * inputs);
            DotKernel kernel = new DotKernel(TWO);
            PackedMatrix packed = kernel.pack(arena, Data.bf16(arena, w), outputs, inputs);
            for (int rows : ROWS) {
                float[] x = Data.floats(rows, rows * inputs);
                assertThat(multiply(kernel, packed, x, rows))
                        .as("%s rows", rows)
                        .isEqualTo(formula(w, outputs, inputs, x, rows));
            }
        }
    }

    @Test
    void multiply_infiniteOrNoNumber_saysSo() {
        try (Arena arena = Arena.ofShared()) {
            DotKernel kernel = new DotKernel(ONE);
            PackedMatrix packed = kernel.pack(arena, Data.bf16(arena, new float[] {1, 0, 1, 1}), 2, 2);
            float[] y = multiply(kernel, packed, new float[] {Float.POSITIVE_INFINITY, 1, Float.NaN, 2}, 2);
            assertThat(y).containsExactly(Float.POSITIVE_INFINITY, Float.POSITIVE_INFINITY, Float.NaN, Float.NaN);
        }
    }

    private static float[] formula(float[] w, int outputs, int inputs, float[] x, int rows) {
        float[] rounded = new float[x.length];
        for (int i = 0; i < x.length; i++) {
            rounded[i] = Bf16.toFloat(Bf16.fromFloat(x[i]));
        }
        float[] y = new float[rows * outputs];
        for (int row = 0; row < rows; row++) {
            for (int o = 0; o < outputs; o++) {
                float sum = 0;
                for (int k = 0; k < inputs; k += 2) {
                    if (k + 1 < inputs) {
                        sum = Math.fma(rounded[row * inputs + k + 1], w[o * inputs + k + 1], sum);
                    }
                    sum = Math.fma(rounded[row * inputs + k], w[o * inputs + k], sum);
                }
                y[row * outputs + o] = sum;
            }
        }
        return y;
    }
}
