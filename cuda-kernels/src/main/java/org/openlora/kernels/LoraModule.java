package org.openlora.kernels;

import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Objects;

/// One low-rank pair in slot memory: `ΔW = scaling · B · A`.
///
/// Both matrices are bf16, laid out so that a kernel reads memory in one ascending stream (L = float lanes, see
/// [Lanes]). In [LoraLayout#RANK_ROWS]:
///
/// - A as `[⌈rank / 4⌉][⌈inputs / 2L⌉][4][L]` ints: groups of 4 rank rows, in turns of `2L` inputs.
/// - B as `[⌈outputs / 64⌉][rank][64 / 2L][L]` ints: panels of 64 outputs.
///
/// Int `j` of a run of `2L` numbers holds number `j` in its low half and number `j + L` in its high half, as in
/// [PanelMatrix]. In [LoraLayout#PAIRS]:
///
/// - A as `[⌈rank / 16⌉][⌈inputs / 2⌉][16]` ints: groups of 16 rank rows, the last of 8 where that is enough.
/// - B as `[⌈outputs / 32⌉][⌈rank / 2⌉][32]` ints: panels of 32 outputs.
///
/// An int holds the numbers of an even input (A) or rank row (B) in its low half and of the next in its high half.
/// What is missing is padded with zeros, so that tiles may read it; nothing of the padding enters a result.
///
/// @param weights the memory that holds both matrices
/// @param aOffsetBytes offset of A, a multiple of 16
/// @param bOffsetBytes offset of B, a multiple of 16
/// @param outputOffset first output of this module within the stacked outputs of its [LoraPoint]
/// @param scaling the module's own alpha / r (alpha / √r for rsLoRA)
public record LoraModule(
        LoraLayout layout,
        MemorySegment weights,
        long aOffsetBytes,
        long bOffsetBytes,
        int rank,
        int inputs,
        int outputs,
        int outputOffset,
        float scaling) {
    /// Rank rows of one group of A in rank rows.
    static final int RANK_GROUP = 4;
    /// Inputs of one rank row of A before the next rank row's turn.
    static final int TURN = 2 * Lanes.COUNT;
    /// Bytes of one turn of all rank rows of a group.
    static final int TURN_BYTES = RANK_GROUP * TURN * Bf16.BYTES;
    /// Outputs of one panel of B in rank rows.
    static final int PANEL = 64;
    /// Rank rows of one group of A in pairs.
    static final int PAIR_GROUP = 16;
    /// Outputs of one panel of B in pairs.
    static final int PAIR_PANEL = 32;

    /// What A in pairs is rounded up to, half a group.
    private static final int HALF_GROUP = PAIR_GROUP / 2;

    static final ValueLayout.OfShort BF16 = JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int ALIGNMENT_BYTES = 16;

    public LoraModule {
        Objects.requireNonNull(layout, "layout");
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

    /// Bytes that [#write] uses for a pair of this shape, in any layout.
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
            LoraLayout layout,
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
                layout,
                memory,
                offsetBytes,
                LoraWriter.of(a),
                LoraWriter.of(b),
                rank,
                inputs,
                outputs,
                outputOffset,
                scaling);
    }

    /// Lays out a pair that already is bf16 (little-endian) at `offsetBytes` of `memory`; otherwise as for
    /// floats.
    public static LoraModule write(
            LoraLayout layout,
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
                layout,
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
                + switch (layout) {
                    case RANK_ROWS ->
                        rankRow / RANK_GROUP * aGroupBytes()
                                + input / TURN * (long) TURN_BYTES
                                + (long) (rankRow % RANK_GROUP) * TURN * Bf16.BYTES
                                + pairedBytes(input % TURN);
                    case PAIRS ->
                        rankRow / PAIR_GROUP * aGroupBytes()
                                + (long) (input / 2) * groupRanks(rankRow) * Integer.BYTES
                                + (long) (rankRow % PAIR_GROUP) * Integer.BYTES
                                + (long) (input % 2) * Bf16.BYTES;
                };
    }

    /// Offset of element `output` of a rank row of B.
    public long bElementBytes(int rankRow, int output) {
        return bOffsetBytes
                + output / panelOutputs() * bPanelBytes()
                + switch (layout) {
                    case RANK_ROWS -> {
                        int inPanel = output % PANEL;
                        yield ((long) rankRow * PANEL + inPanel - inPanel % TURN) * Bf16.BYTES
                                + pairedBytes(inPanel % TURN);
                    }
                    case PAIRS ->
                        ((long) (rankRow / 2) * PAIR_PANEL + output % PAIR_PANEL) * Integer.BYTES
                                + (long) (rankRow % 2) * Bf16.BYTES;
                };
    }

    /// Rank rows of a whole group of A.
    int rankGroup() {
        return layout == LoraLayout.PAIRS ? PAIR_GROUP : RANK_GROUP;
    }

    /// Bytes from one group of A to the next.
    long aGroupBytes() {
        return switch (layout) {
            case RANK_ROWS -> (long) RANK_GROUP * Shapes.roundUp(inputs, TURN) * Bf16.BYTES;
            case PAIRS -> (long) PAIR_GROUP * Shapes.roundUp(inputs, 2) * Bf16.BYTES;
        };
    }

    /// Rank rows that the group of a rank row of A in pairs has room for: 16, or 8 in a last group that needs no more.
    int groupRanks(int rankRow) {
        int left = rank - rankRow / PAIR_GROUP * PAIR_GROUP;
        return left <= HALF_GROUP ? HALF_GROUP : PAIR_GROUP;
    }

    /// Outputs of a panel of B.
    int panelOutputs() {
        return layout == LoraLayout.PAIRS ? PAIR_PANEL : PANEL;
    }

    /// Bytes from one panel of B to the next.
    long bPanelBytes() {
        return switch (layout) {
            case RANK_ROWS -> (long) rank * PANEL * Bf16.BYTES;
            case PAIRS -> Shapes.roundUp((long) rank, 2) * PAIR_PANEL * Bf16.BYTES;
        };
    }

    /// Offset of number `index` in a run of `2L`.
    static int pairedBytes(int index) {
        return index % Lanes.COUNT * Integer.BYTES + index / Lanes.COUNT * Bf16.BYTES;
    }

    private static LoraModule write(
            LoraLayout layout,
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
                new LoraModule(layout, memory, offsetBytes, bOffsetBytes, rank, inputs, outputs, outputOffset, scaling);
        var writer = new LoraWriter(module);
        writer.writeA(a);
        writer.writeB(b);
        return module;
    }

    private static long aBytes(int rank, int inputs) {
        long rankRows = Shapes.roundUp((long) rank, RANK_GROUP) * Shapes.roundUp(inputs, TURN);
        long pairs = Shapes.roundUp((long) rank, HALF_GROUP) * Shapes.roundUp(inputs, 2);
        return Math.max(rankRows, Shapes.roundUp(pairs, ALIGNMENT_BYTES)) * Bf16.BYTES;
    }

    private static long bBytes(int rank, int outputs) {
        long rankRows = rank * Shapes.roundUp((long) outputs, PANEL);
        long pairs = Shapes.roundUp((long) rank, 2) * Shapes.roundUp((long) outputs, PAIR_PANEL);
        return Math.max(rankRows, pairs) * Bf16.BYTES;
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
