package org.openlora.kernels;

import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Objects;

/// One low-rank pair in slot memory: `ΔW = scaling · B · A`.
///
/// Both matrices are stored as *rank rows* of bf16: A as `[rank][inputs]`, B transposed as `[rank][outputs]`. A
/// rank row is padded with zeros to a multiple of 8 elements, so that it starts 16-byte aligned, and the rank
/// rows of each matrix are padded with zero rows to whole groups of 8, so that tiles may read past the rank. The
/// rank itself is stored true, and nothing of a padding row enters a result.
///
/// @param weights the memory that holds both matrices
/// @param aOffsetBytes offset of A's first rank row, a multiple of 16
/// @param bOffsetBytes offset of B's first rank row, a multiple of 16
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
    /// Rank rows of one group.
    public static final int RANK_GROUP = 8;

    static final ValueLayout.OfShort BF16 = JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int ROW_ALIGNMENT = 8;
    private static final int ALIGNMENT_BYTES = ROW_ALIGNMENT * Bf16.BYTES;

    public LoraModule {
        Objects.requireNonNull(weights, "weights");
        Shapes.positive("rank", rank);
        Shapes.positive("inputs", inputs);
        Shapes.positive("outputs", outputs);
        Shapes.notNegative("outputOffset", outputOffset);
        checkOffset("aOffsetBytes", aOffsetBytes);
        checkOffset("bOffsetBytes", bOffsetBytes);
        Shapes.bytes("LoRA A [" + rank + ", " + inputs + "]", weights, aOffsetBytes + matrixBytes(rank, inputs));
        Shapes.bytes("LoRA B [" + outputs + ", " + rank + "]", weights, bOffsetBytes + matrixBytes(rank, outputs));
    }

    /// Bytes that [#write] uses for a pair of this shape.
    public static long bytesFor(int rank, int inputs, int outputs) {
        return matrixBytes(rank, inputs) + matrixBytes(rank, outputs);
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
                memory,
                offsetBytes,
                index -> Bf16.fromFloat(a[Math.toIntExact(index)]),
                index -> Bf16.fromFloat(b[Math.toIntExact(index)]),
                rank,
                inputs,
                outputs,
                outputOffset,
                scaling);
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
                index -> bf16A.get(BF16, index * Bf16.BYTES),
                index -> bf16B.get(BF16, index * Bf16.BYTES),
                rank,
                inputs,
                outputs,
                outputOffset,
                scaling);
    }

    /// Bytes from one rank row of A to the next.
    long aStrideBytes() {
        return strideBytes(inputs);
    }

    /// Bytes from one rank row of B to the next.
    long bStrideBytes() {
        return strideBytes(outputs);
    }

    private static LoraModule write(
            MemorySegment memory,
            long offsetBytes,
            Elements a,
            Elements b,
            int rank,
            int inputs,
            int outputs,
            int outputOffset,
            float scaling) {
        long bOffsetBytes = offsetBytes + matrixBytes(rank, inputs);
        LoraModule module =
                new LoraModule(memory, offsetBytes, bOffsetBytes, rank, inputs, outputs, outputOffset, scaling);
        memory.asSlice(offsetBytes, bytesFor(rank, inputs, outputs)).fill((byte) 0);
        for (int r = 0; r < rank; r++) {
            long row = offsetBytes + r * module.aStrideBytes();
            for (int i = 0; i < inputs; i++) {
                memory.set(BF16, row + (long) i * Bf16.BYTES, a.bf16((long) r * inputs + i));
            }
        }
        for (int r = 0; r < rank; r++) {
            long row = bOffsetBytes + r * module.bStrideBytes();
            for (int o = 0; o < outputs; o++) {
                memory.set(BF16, row + (long) o * Bf16.BYTES, b.bf16((long) o * rank + r));
            }
        }
        return module;
    }

    private static long matrixBytes(int rank, int width) {
        return Shapes.roundUp(rank, RANK_GROUP) * strideBytes(width);
    }

    private static long strideBytes(int width) {
        return Shapes.roundUp((long) width, ROW_ALIGNMENT) * Bf16.BYTES;
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

    @FunctionalInterface
    private interface Elements {
        short bf16(long index);
    }
}
