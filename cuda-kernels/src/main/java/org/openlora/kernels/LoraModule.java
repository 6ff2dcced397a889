package org.openlora.kernels;

import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Objects;

/// One low-rank pair in slot memory: `ΔW = scaling · B · A`.
///
/// Both matrices are stored as *rank rows* of bf16, row `r` of A beside column `r` of B, interleaved so that a
/// kernel reads memory in one ascending stream (L = float lanes, see [Lanes]):
///
/// - A as `[⌈rank / 4⌉][⌈inputs / 2L⌉][4][L]` ints: groups of 4 rank rows, in turns of `2L` inputs.
/// - B as `[⌈outputs / 64⌉][rank][64 / 2L][L]` ints: panels of 64 outputs.
///
/// Int `j` of a run of `2L` numbers holds number `j` in its low half and number `j + L` in its high half, as in
/// [PanelMatrix]. Inputs, outputs and A's last group are padded with zeros, so that tiles may read past them. B's
/// rank is stored true, and nothing of the padding enters a result.
///
/// @param weights the memory that holds both matrices
/// @param aOffsetBytes offset of A, a multiple of 16
/// @param bOffsetBytes offset of B, a multiple of 16
/// @param outputOffset first output of this module within the stacked outputs of its [LoraPoint]
/// @param scaling the module's own alpha / r (alpha / √r for rsLoRA)
public record LoraModule(
        MemorySegment weights,
        long aOffsetBytes,
        long bOffsetBytes,
        int rank,
        int inputs,
        int outputs,
        int outputOffset,
        float scaling) {
    /// Rank rows of one group of A.
    static final int RANK_GROUP = 4;
    /// Inputs of one rank row of A before the next rank row's turn.
    static final int TURN = 2 * Lanes.COUNT;
    /// Bytes of one turn of all rank rows of a group.
    static final int TURN_BYTES = RANK_GROUP * TURN * Bf16.BYTES;
    /// Outputs of one panel of B.
    static final int PANEL = 64;

    static final ValueLayout.OfShort BF16 = JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int ALIGNMENT_BYTES = 16;

    public LoraModule {
        Objects.requireNonNull(weights, "weights");
        Shapes.positive("rank", rank);
        Shapes.positive("inputs", inputs);
        Shapes.positive("outputs", outputs);
        Shapes.notNegative("outputOffset", outputOffset);
        checkOffset("aOffsetBytes", aOffsetBytes);
        checkOffset("bOffsetBytes", bOffsetBytes);
        Shapes.bytes("LoRA A [" + rank + ", " + inputs + "]", weights, aOffsetBytes + aBytes(rank, inputs));
        Shapes.bytes("LoRA B [" + outputs + ", " + rank + "]", weights, bOffsetBytes + bBytes(rank, outputs));
    }

    /// Bytes that [#write] uses for a pair of this shape.
    public static long bytesFor(int rank, int inputs, int outputs) {
        return aBytes(rank, inputs) + bBytes(rank, outputs);
    }

    /// Rounds a pair to bf16 and lays it out at `offsetBytes` of `memory`.
    ///
    /// @param memory written from `offsetBytes` on, [#bytesFor] bytes
    /// @param offsetBytes a multiple of 16
    /// @param a `[rank, inputs]` row-major, as PEFT stores lora_A
    /// @param b `[outputs, rank]` row-major, as PEFT stores lora_B
    /// @throws IllegalArgumentException if an array does not have the shape or the memory is too small
    public static LoraModule write(
            MemorySegment memory,
            long offsetBytes,
            float[] a,
            float[] b,
            int rank,
            int inputs,
            int outputs,
            int outputOffset,
            float scaling) {
        checkLength("lora_A", a.length, rank, inputs);
        checkLength("lora_B", b.length, outputs, rank);
        return write(
                memory, offsetBytes, LoraWriter.of(a), LoraWriter.of(b), rank, inputs, outputs, outputOffset, scaling);
    }

    /// Lays out a pair that already is bf16 (little-endian) at `offsetBytes` of `memory`; otherwise as for
    /// floats.
    public static LoraModule write(
            MemorySegment memory,
            long offsetBytes,
            MemorySegment bf16A,
            MemorySegment bf16B,
            int rank,
            int inputs,
            int outputs,
            int outputOffset,
            float scaling) {
        checkLength("lora_A", bf16A.byteSize() / Bf16.BYTES, rank, inputs);
        checkLength("lora_B", bf16B.byteSize() / Bf16.BYTES, outputs, rank);
        return write(
                memory,
                offsetBytes,
                LoraWriter.of(bf16A),
                LoraWriter.of(bf16B),
                rank,
                inputs,
                outputs,
                outputOffset,
                scaling);
    }

    /// Offset of element `input` of a rank row of A.
    public long aElementBytes(int rankRow, int input) {
        return aOffsetBytes
                + rankRow / RANK_GROUP * aGroupBytes()
                + input / TURN * (long) TURN_BYTES
                + (long) (rankRow % RANK_GROUP) * TURN * Bf16.BYTES
                + pairedBytes(input % TURN);
    }

    /// Offset of element `output` of a rank row of B.
    public long bElementBytes(int rankRow, int output) {
        int inPanel = output % PANEL;
        return bOffsetBytes
                + output / PANEL * bPanelBytes()
                + ((long) rankRow * PANEL + inPanel - inPanel % TURN) * Bf16.BYTES
                + pairedBytes(inPanel % TURN);
    }

    /// Bytes from one group of A to the next.
    long aGroupBytes() {
        return aBytes(RANK_GROUP, inputs);
    }

    /// Offset of number `index` in a run of `2L`.
    static int pairedBytes(int index) {
        return index % Lanes.COUNT * Integer.BYTES + index / Lanes.COUNT * Bf16.BYTES;
    }

    /// Bytes from one panel of B to the next.
    long bPanelBytes() {
        return (long) rank * PANEL * Bf16.BYTES;
    }

    private static LoraModule write(
            MemorySegment memory,
            long offsetBytes,
            LoraWriter.Source a,
            LoraWriter.Source b,
            int rank,
            int inputs,
            int outputs,
            int outputOffset,
            float scaling) {
        long bOffsetBytes = offsetBytes + aBytes(rank, inputs);
        LoraModule module =
                new LoraModule(memory, offsetBytes, bOffsetBytes, rank, inputs, outputs, outputOffset, scaling);
        var writer = new LoraWriter(module);
        writer.writeA(a);
        writer.writeB(b);
        return module;
    }

    private static long aBytes(int rank, int inputs) {
        return Shapes.roundUp((long) rank, RANK_GROUP) * Shapes.roundUp(inputs, TURN) * Bf16.BYTES;
    }

    private static long bBytes(int rank, int outputs) {
        return rank * Shapes.roundUp((long) outputs, PANEL) * Bf16.BYTES;
    }

    private static void checkOffset(String name, long offsetBytes) {
        if (offsetBytes < 0 || offsetBytes % ALIGNMENT_BYTES != 0) {
            throw new IllegalArgumentException(
                    name + " is " + offsetBytes + ", must be a multiple of " + ALIGNMENT_BYTES);
        }
    }

    private static void checkLength(String name, long elements, int rows, int columns) {
        if (elements != (long) rows * columns) {
            throw new IllegalArgumentException(
                    name + " has " + elements + " elements, needs [" + rows + ", " + columns + "]");
        }
    }
}
