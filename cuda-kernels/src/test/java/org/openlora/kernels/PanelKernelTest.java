package org.openlora.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PanelKernelTest extends LinearKernelContract {
    @Override
    LinearKernel kernel(WorkerPool pool) {
        return new PanelKernel(pool);
    }

    @Override
    String matrix() {
        return "PanelMatrix";
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
}
