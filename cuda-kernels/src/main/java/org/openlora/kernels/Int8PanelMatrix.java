package org.openlora.kernels;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// A weight matrix as signed bytes with one scale for each output and [#GROUP_INPUTS] inputs: `w ≈ scale · q`.
///
/// **Quantiser.** Symmetric: `scale = max |w| / 127` over the group, `q = round(w / scale)`, ties to even, so that
/// q lies in [-127, 127] and a group of zeros has scale 0. Every operation is one IEEE 754 binary32 operation: the
/// same weights give the same bytes on every machine.
///
/// **Layout.** `[ceil(outputs / 4L)]` panels of [#PANEL] = 4L outputs, each `[ceil(inputs / G)]` blocks, each
/// `[4L]` f32 scales followed by `[depth][4L]` bytes, where depth is G or what is left of the inputs. So one
/// stream brings the bytes with their scales. Outputs beyond the last are zero. A few bytes follow the last block,
/// because a 128-bit machine has no four-byte vectors and loads eight (see [Int8Tiles]).
record Int8PanelMatrix(int outputs, int inputs, MemorySegment panels) implements PackedMatrix {
    /// Inputs that share a scale: 3 % more bytes than one scale for each output, and on SmolLM2-135M half its
    /// divergence (docs/decisions.md).
    static final int GROUP_INPUTS = 128;
    /// Outputs of one panel.
    static final int PANEL = 4 * Lanes.COUNT;
    /// Bytes of the scales that a block begins with.
    static final int SCALES_BYTES = PANEL * Float.BYTES;

    private static final int ALIGNMENT_BYTES = 64;
    private static final int PADDING_BYTES = 64;
    private static final int LARGEST = 127;
    private static final ValueLayout.OfFloat SCALE = ValueLayout.JAVA_FLOAT.withOrder(ByteOrder.LITTLE_ENDIAN);

    Int8PanelMatrix {
        Shapes.bytes("int8 panels [" + outputs + ", " + inputs + "]", panels, sizeBytes(outputs, inputs));
    }

    static Int8PanelMatrix allocate(Arena arena, int outputs, int inputs) {
        return new Int8PanelMatrix(outputs, inputs, arena.allocate(sizeBytes(outputs, inputs), ALIGNMENT_BYTES));
    }

    static long sizeBytes(int outputs, int inputs) {
        return panelCount(outputs) * panelBytes(inputs) + PADDING_BYTES;
    }

    @Override
    public long sizeBytes() {
        return panels.byteSize();
    }

    int panelCount() {
        return panelCount(outputs);
    }

    int groups() {
        return groups(inputs);
    }

    long panelBytes() {
        return panelBytes(inputs);
    }

    /// Inputs of a group.
    int depth(int group) {
        return Math.min(GROUP_INPUTS, inputs - group * GROUP_INPUTS);
    }

    /// Where the block of a panel and group begins, in bytes.
    long at(int panel, int group) {
        return panel * panelBytes() + (long) group * (SCALES_BYTES + GROUP_INPUTS * PANEL);
    }

    /// Quantises the weights of one panel.
    ///
    /// @param bf16RowMajor `[outputs, inputs]`
    /// @throws IllegalArgumentException if a weight is infinite or not a number
    void fill(int panel, MemorySegment bf16RowMajor) {
        float[] weights = new float[GROUP_INPUTS];
        int lanes = Math.min(PANEL, outputs - panel * PANEL);
        for (int group = 0; group < groups(); group++) {
            for (int lane = 0; lane < lanes; lane++) {
                int depth = depth(group);
                read(bf16RowMajor, panel * PANEL + lane, group * GROUP_INPUTS, depth, weights);
                fill(at(panel, group), lane, weights, depth);
            }
        }
    }

    private void read(MemorySegment bf16RowMajor, int output, int input, int depth, float[] weights) {
        long at = ((long) output * inputs + input) * Bf16.BYTES;
        for (int k = 0; k < depth; k++) {
            weights[k] = Bf16.toFloat(bf16RowMajor.get(LoraModule.BF16, at + (long) k * Bf16.BYTES));
            if (!Float.isFinite(weights[k])) {
                throw new IllegalArgumentException("weight [" + output + ", " + (input + k) + "] is " + weights[k]
                        + ", must be finite to be quantised");
            }
        }
    }

    private void fill(long block, int lane, float[] weights, int depth) {
        float largest = 0;
        for (int k = 0; k < depth; k++) {
            largest = Math.max(largest, Math.abs(weights[k]));
        }
        float scale = largest / LARGEST;
        panels.set(SCALE, block + (long) lane * Float.BYTES, scale);
        long to = block + SCALES_BYTES + lane;
        for (int k = 0; k < depth; k++) {
            int q = scale == 0 ? 0 : (int) Math.rint(weights[k] / scale);
            panels.set(JAVA_BYTE, to + (long) k * PANEL, (byte) Math.clamp(q, -LARGEST, LARGEST));
        }
    }

    private static int panelCount(int outputs) {
        return (int) (((long) outputs + PANEL - 1) / PANEL);
    }

    private static int groups(int inputs) {
        return (inputs - 1) / GROUP_INPUTS + 1;
    }

    private static long panelBytes(int inputs) {
        return (long) groups(inputs) * SCALES_BYTES + (long) inputs * PANEL;
    }
}
