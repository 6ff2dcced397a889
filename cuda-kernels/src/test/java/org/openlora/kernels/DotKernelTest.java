package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.openlora.kernels.x86.MachineCode;

class DotKernelTest {
    /// Every tile height and every remainder, and rows beyond one block.
    private static final int[] ROWS = {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 33, 133};
    private static final WorkerPool ONE = new WorkerPool(1);
    private static final WorkerPool TWO = new WorkerPool(2);

    @BeforeAll
    static void assumeInstructions() {
        assumeTrue(
                CpuFeatures.detect().avx512Bf16() && MachineCode.isPossible(),
                "the processor does not multiply bf16 in vectors");
    }

    @AfterAll
    static void closePools() {
        ONE.close();
        TWO.close();
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

    @ParameterizedTest
    @CsvSource({"16,512", "129,1025", "40,2049"})
    void multiply_rowInAnyBatchOnAnyThreads_hasTheSameBits(int outputs, int inputs) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment weights = Data.bf16(arena, Data.floats(2, outputs * inputs));
            DotKernel kernel = new DotKernel(TWO);
            PackedMatrix packed = kernel.pack(arena, weights, outputs, inputs);
            int most = 133;
            float[] x = Data.floats(3, most * inputs);
            float[] whole = multiply(kernel, packed, x, most);
            assertThat(multiply(new DotKernel(ONE), packed, x, most)).isEqualTo(whole);
            for (int row = 0; row < most; row++) {
                float[] alone = multiply(kernel, packed, Data.row(x, row, inputs), 1);
                assertThat(alone).as("row %s", row).isEqualTo(Data.row(whole, row, outputs));
            }
        }
    }

    @Test
    void multiply_targetHoldsOldValuesAndMore_overwritesItsRowsOnly() {
        try (Arena arena = Arena.ofShared()) {
            DotKernel kernel = new DotKernel(TWO);
            PackedMatrix packed = kernel.pack(arena, Data.bf16(arena, Data.floats(4, 67 * 9)), 67, 9);
            float[] x = Data.floats(5, 6 * 9);
            float[] fresh = multiply(kernel, packed, x, 6);
            float[] used = new float[7 * 67];
            Arrays.fill(used, Float.NaN);
            kernel.multiply(packed, x, 6, used);
            assertThat(Arrays.copyOf(used, 6 * 67)).isEqualTo(fresh);
            assertThat(Arrays.copyOfRange(used, 6 * 67, 7 * 67)).containsOnly(Float.NaN);
            kernel.multiply(packed, new float[0], 0, used);
            assertThat(Arrays.copyOf(used, 6 * 67)).isEqualTo(fresh);
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

    @Test
    void pack_badShapes_areRefusedByName() {
        try (Arena arena = Arena.ofShared()) {
            DotKernel kernel = new DotKernel(ONE);
            MemorySegment weights = Data.bf16(arena, new float[11]);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.pack(arena, weights, 3, 4))
                    .withMessage("weights [3, 4] holds 22 bytes, needs 24 bytes");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.pack(arena, weights, 0, 4))
                    .withMessage("outputs is 0, must be positive");
        }
    }

    @Test
    void multiply_badOperands_areRefusedByName() {
        try (Arena arena = Arena.ofShared()) {
            DotKernel kernel = new DotKernel(ONE);
            MemorySegment weights = Data.bf16(arena, new float[12]);
            PackedMatrix packed = kernel.pack(arena, weights, 3, 4);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.multiply(packed, new float[7], 2, new float[6]))
                    .withMessage("x holds 7 floats, needs [2, 4]");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.multiply(packed, new float[8], 2, new float[5]))
                    .withMessage("y holds 5 floats, needs [2, 3]");
            PackedMatrix foreign = ReferenceKernels.linearKernel().pack(arena, weights, 3, 4);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.multiply(foreign, new float[8], 2, new float[6]))
                    .withMessage("matrix was packed by another kernel: RowMajorMatrix, needs DotMatrix");
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

    private static float[] multiply(LinearKernel kernel, PackedMatrix packed, float[] x, int rows) {
        float[] y = new float[rows * packed.outputs()];
        kernel.multiply(packed, x, rows, y);
        return y;
    }
}
