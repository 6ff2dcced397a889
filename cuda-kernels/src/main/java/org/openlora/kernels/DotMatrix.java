package org.openlora.kernels;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// A weight matrix as panels of [#PANEL] outputs, one after the other: `[⌈outputs / 32⌉][⌈inputs / 2⌉][32]` pairs of
/// bf16 numbers, the lower half of a pair being the weight of the input with the even number. What lies beyond the last
/// output or input is zero.
record DotMatrix(int outputs, int inputs, MemorySegment panels) implements PackedMatrix {
    /// Outputs of a panel.
    static final int PANEL = DotTiles.STEP_BYTES / Integer.BYTES;

    private static final int ALIGNMENT_BYTES = 64;
    private static final ValueLayout.OfInt PAIR = JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);

    static DotMatrix allocate(Arena arena, int outputs, int inputs) {
        long bytes = (long) panelCount(outputs) * pairs(inputs) * DotTiles.STEP_BYTES;
        return new DotMatrix(outputs, inputs, arena.allocate(bytes, ALIGNMENT_BYTES));
    }

    @Override
    public long sizeBytes() {
        return panels.byteSize();
    }

    int panelCount() {
        return panelCount(outputs);
    }

    int pairs() {
        return pairs(inputs);
    }

    long panelBytes() {
        return (long) pairs() * DotTiles.STEP_BYTES;
    }

    /// Fills one panel from row-major bf16 weights.
    void fill(int panel, MemorySegment bf16RowMajor) {
        int rows = Math.min(PANEL, outputs - panel * PANEL);
        for (int p = 0; p < pairs(); p++) {
            long to = panel * panelBytes() + (long) p * DotTiles.STEP_BYTES;
            for (int row = 0; row < rows; row++) {
                long from = ((long) (panel * PANEL + row) * inputs + 2L * p) * Bf16.BYTES;
                int low = bf16RowMajor.get(LoraModule.BF16, from) & 0xffff;
                int high = 2 * p + 1 < inputs ? bf16RowMajor.get(LoraModule.BF16, from + Bf16.BYTES) : 0;
                panels.set(PAIR, to + (long) row * Integer.BYTES, low | (high << Short.SIZE));
            }
        }
    }

    private static int panelCount(int outputs) {
        return (outputs + PANEL - 1) / PANEL;
    }

    private static int pairs(int inputs) {
        return (inputs + 1) / 2;
    }
}
