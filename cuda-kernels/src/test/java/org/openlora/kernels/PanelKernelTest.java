package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PanelKernelTest {
    /// Every tile height and every remainder, and rows beyond one block.
    private static final int[] ROWS = {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 33, 133};
    private static final WorkerPool ONE = new WorkerPool(1);
    private static final WorkerPool TWO = new WorkerPool(2);

    @AfterAll
    static void closePools() {
        ONE.close();
        TWO.close();
    }

    /// Outputs below, at and beyond whole panels and groups of panels; inputs odd, and beyond one block.
    @ParameterizedTest
    @CsvSource({"1,1", "5,3", "16,8", "17,31", "33,64", "64,7", "100,513", "129,1025", "70,2049", "200,512", "577,129"})
    void multiply_anyShape_isNearTheReference(int outputs, int inputs) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment weights = Data.bf16(arena, Data.floats(1, outputs * inputs));
            PanelKernel kernel = new PanelKernel(TWO);
            PackedMatrix packed = kernel.pack(arena, weights, outputs, inputs);
            for (int rows : ROWS) {
                float[] x = Data.floats(rows, rows * inputs);
                float[] expected = new float[rows * outputs];
                ReferenceKernels.linear(weights, outputs, inputs, x, rows, expected);
                Tolerance.LINEAR.check(rows + " rows", multiply(kernel, packed, x, rows), expected);
            }
        }
    }

    /// What makes a receipt auditable by running a request again, alone.
    @ParameterizedTest
    @CsvSource({"16,512", "100,513", "129,1025", "40,2049", "577,129"})
    void multiply_rowInAnyBatchOnAnyThreads_hasTheSameBits(int outputs, int inputs) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment weights = Data.bf16(arena, Data.floats(2, outputs * inputs));
            PanelKernel kernel = new PanelKernel(TWO);
            PackedMatrix packed = kernel.pack(arena, weights, outputs, inputs);
            int most = 133;
            float[] x = Data.floats(3, most * inputs);
            float[] whole = multiply(kernel, packed, x, most);
            assertThat(multiply(new PanelKernel(ONE), packed, x, most)).isEqualTo(whole);
            for (int row = 0; row < most; row++) {
                float[] alone = multiply(kernel, packed, Data.row(x, row, inputs), 1);
                assertThat(alone).as("row %s", row).isEqualTo(Data.row(whole, row, outputs));
            }
            for (int rows : ROWS) {
                float[] some = multiply(kernel, packed, Arrays.copyOf(x, rows * inputs), rows);
                assertThat(some).as("%s rows", rows).isEqualTo(Arrays.copyOf(whole, rows * outputs));
            }
        }
    }

    @Test
    void multiply_targetHoldsOldValuesAndMore_overwritesItsRowsOnly() {
        try (Arena arena = Arena.ofShared()) {
            PanelKernel kernel = new PanelKernel(TWO);
            PackedMatrix packed = kernel.pack(arena, Data.bf16(arena, Data.floats(4, 35 * 9)), 35, 9);
            float[] x = Data.floats(5, 6 * 9);
            float[] fresh = new float[6 * 35];
            kernel.multiply(packed, x, 6, fresh);
            float[] used = new float[7 * 35];
            Arrays.fill(used, Float.NaN);
            kernel.multiply(packed, x, 6, used);
            assertThat(Arrays.copyOf(used, 6 * 35)).isEqualTo(fresh);
            assertThat(Arrays.copyOfRange(used, 6 * 35, 7 * 35)).containsOnly(Float.NaN);
        }
    }

    @Test
    void multiply_noRows_changesNothing() {
        try (Arena arena = Arena.ofShared()) {
            PanelKernel kernel = new PanelKernel(TWO);
            PackedMatrix packed = kernel.pack(arena, Data.bf16(arena, new float[4]), 2, 2);
            float[] y = {7};
            kernel.multiply(packed, new float[0], 0, y);
            assertThat(y).containsExactly(7);
        }
    }

    @Test
    void pack_badShapes_areRefusedByName() {
        try (Arena arena = Arena.ofShared()) {
            PanelKernel kernel = new PanelKernel(ONE);
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
            PanelKernel kernel = new PanelKernel(ONE);
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
                    .withMessage("matrix was packed by another kernel: RowMajorMatrix, needs PanelMatrix");
        }
    }

    private static float[] multiply(LinearKernel kernel, PackedMatrix packed, float[] x, int rows) {
        float[] y = new float[rows * packed.outputs()];
        kernel.multiply(packed, x, rows, y);
        return y;
    }
}
