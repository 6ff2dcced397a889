package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What holds for every kernel of dense layers of our own, whatever its format of weights.
abstract class LinearKernelContract {
    /// Every tile height and every remainder, and rows beyond one block.
    static final int[] ROWS = {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 15, 16, 33, 133};

    static final WorkerPool ONE = new WorkerPool(1);
    static final WorkerPool TWO = new WorkerPool(2);

    /// The kernel under test.
    abstract LinearKernel kernel(WorkerPool pool);

    /// Name of the record that it packs weights into.
    abstract String matrix();

    /// What makes a receipt auditable by running a request again, alone.
    @ParameterizedTest
    @CsvSource({"16,512", "100,129", "100,513", "129,1025", "40,2049", "577,129", "577,200"})
    void multiply_rowInAnyBatchOnAnyThreads_hasTheSameBits(int outputs, int inputs) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment weights = Data.bf16(arena, Data.floats(2, outputs * inputs));
            LinearKernel kernel = kernel(TWO);
            PackedMatrix packed = kernel.pack(arena, weights, outputs, inputs);
            int most = 133;
            float[] x = Data.floats(3, most * inputs);
            float[] whole = multiply(kernel, packed, x, most);
            assertThat(multiply(kernel(ONE), packed, x, most)).isEqualTo(whole);
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

    @ParameterizedTest
    @ValueSource(ints = {35, 67, 135})
    void multiply_targetHoldsOldValuesAndMore_overwritesItsRowsOnly(int outputs) {
        try (Arena arena = Arena.ofShared()) {
            LinearKernel kernel = kernel(TWO);
            PackedMatrix packed = kernel.pack(arena, Data.bf16(arena, Data.floats(4, outputs * 9)), outputs, 9);
            float[] x = Data.floats(5, 6 * 9);
            float[] fresh = multiply(kernel, packed, x, 6);
            float[] used = new float[7 * outputs];
            Arrays.fill(used, Float.NaN);
            kernel.multiply(packed, x, 6, used);
            assertThat(Arrays.copyOf(used, 6 * outputs)).isEqualTo(fresh);
            assertThat(Arrays.copyOfRange(used, 6 * outputs, 7 * outputs)).containsOnly(Float.NaN);
        }
    }

    @Test
    void multiply_noRows_changesNothing() {
        try (Arena arena = Arena.ofShared()) {
            LinearKernel kernel = kernel(TWO);
            PackedMatrix packed = kernel.pack(arena, Data.bf16(arena, new float[4]), 2, 2);
            float[] y = {7};
            kernel.multiply(packed, new float[0], 0, y);
            assertThat(y).containsExactly(7);
        }
    }

    @Test
    void pack_badShapes_areRefusedByName() {
        try (Arena arena = Arena.ofShared()) {
            LinearKernel kernel = kernel(ONE);
            MemorySegment weights = Data.bf16(arena, new float[11]);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.pack(arena, weights, 3, 4))
                    .withMessage("weights [3, 4] holds 22 bytes, needs 24 bytes");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.pack(arena, weights, 0, 4))
                    .withMessage("outputs is 0, must be positive");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> kernel.pack(arena, weights, 3, 0))
                    .withMessage("inputs is 0, must be positive");
        }
    }

    @Test
    void multiply_badOperands_areRefusedByName() {
        try (Arena arena = Arena.ofShared()) {
            LinearKernel kernel = kernel(ONE);
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
                    .withMessage("matrix was packed by another kernel: RowMajorMatrix, needs " + matrix());
        }
    }

    static float[] multiply(LinearKernel kernel, PackedMatrix packed, float[] x, int rows) {
        float[] y = new float[rows * packed.outputs()];
        kernel.multiply(packed, x, rows, y);
        return y;
    }
}
