package org.openlora.kernels;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// A weight matrix as panels of [Lanes#PANEL] outputs, one after the other: `[ceil(outputs / 2L)][inputs][L]` ints,
/// L being the float lanes.
///
/// A panel is `2L` outputs by `inputs`, one int vector for each input: lane `j` holds output `j` in its low half and
/// output `j + L` in its high half, so that a shift and a mask turn one load into two float vectors. Outputs beyond
/// the last are zero.
record PanelMatrix(int outputs, int inputs, MemorySegment panels) implements PackedMatrix {
    /// Bytes of one input of a panel.
    static final int STEP_BYTES = Lanes.COUNT * Integer.BYTES;

    private static final int ALIGNMENT_BYTES = 64;
    private static final ValueLayout.OfInt PAIR = JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);
    /// Inputs transposed at a time: a cache line of each of a panel's rows.
    private static final int BLOCK = 32;

    static PanelMatrix allocate(Arena arena, int outputs, int inputs) {
        return new PanelMatrix(outputs, inputs, arena.allocate(bytesFor(outputs, inputs), ALIGNMENT_BYTES));
    }

    /// In the first [#bytesFor] bytes of `memory`, whatever they held before.
    static PanelMatrix in(MemorySegment memory, int outputs, int inputs) {
        MemorySegment panels = memory.asSlice(0, bytesFor(outputs, inputs), ALIGNMENT_BYTES);
        if (outputs % Lanes.PANEL != 0) {
            long last = (long) inputs * STEP_BYTES;
            panels.asSlice(panels.byteSize() - last).fill((byte) 0); // outputs beyond the last
        }
        return new PanelMatrix(outputs, inputs, panels);
    }

    static long bytesFor(int outputs, int inputs) {
        return (long) panelCount(outputs) * inputs * STEP_BYTES;
    }

    @Override
    public long sizeBytes() {
        return panels.byteSize();
    }

    int panelCount() {
        return panelCount(outputs);
    }

    long panelBytes() {
        return (long) inputs * STEP_BYTES;
    }

    /// Fills one panel from row-major bf16 weights.
    void fill(int panel, MemorySegment bf16RowMajor) {
        for (int first = 0; first < inputs; first += BLOCK) {
            int end = Math.min(first + BLOCK, inputs);
            for (int lane = 0; lane < Lanes.COUNT; lane++) {
                fill(panel, lane, first, end, bf16RowMajor);
            }
        }
    }

    private void fill(int panel, int lane, int first, int end, MemorySegment bf16RowMajor) {
        long lowRow = (long) panel * Lanes.PANEL + lane;
        long highRow = lowRow + Lanes.COUNT;
        if (lowRow >= outputs) {
            return;
        }
        long to = panel * panelBytes() + (long) lane * Integer.BYTES;
        long low = lowRow * inputs * Bf16.BYTES;
        long high = highRow * inputs * Bf16.BYTES;
        if (highRow < outputs) {
            for (int k = first; k < end; k++) {
                int pair = (bf16RowMajor.get(LoraModule.BF16, low + (long) k * Bf16.BYTES) & 0xffff)
                        | (bf16RowMajor.get(LoraModule.BF16, high + (long) k * Bf16.BYTES) << 16);
                panels.set(PAIR, to + (long) k * STEP_BYTES, pair);
            }
        } else {
            for (int k = first; k < end; k++) {
                int pair = bf16RowMajor.get(LoraModule.BF16, low + (long) k * Bf16.BYTES) & 0xffff;
                panels.set(PAIR, to + (long) k * STEP_BYTES, pair);
            }
        }
    }

    private static int panelCount(int outputs) {
        return (int) (((long) outputs + Lanes.PANEL - 1) / Lanes.PANEL);
    }
}
