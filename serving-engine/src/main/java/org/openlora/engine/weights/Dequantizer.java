package org.openlora.engine.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.stream.IntStream;
import org.openlora.kernels.Bf16;

/// Expands GGUF blocks to float32 exactly as ggml's reference (and the `gguf` Python package) does: the same
/// products and sums in float32, in the same order, none fused. Rounding to bfloat16 comes after.
final class Dequantizer {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    private static final int ROWS_PER_TASK = 64;

    /// Which row of the source becomes row `target` of the result.
    @FunctionalInterface
    interface RowOrder {
        int source(int target);
    }

    private Dequantizer() {}

    /// `target[rows, columns]` bf16 = source rows in the given order, expanded and rounded to nearest even.
    static void toBf16(
            GgufType type, MemorySegment source, int rows, int columns, RowOrder order, MemorySegment target) {
        long rowBytes = (long) columns / type.blockValues * type.blockBytes;
        IntStream tasks = IntStream.range(0, Math.ceilDiv(rows, ROWS_PER_TASK));
        // Memory of a confined arena belongs to the calling thread alone.
        boolean shared = target.isAccessibleBy(Thread.ofPlatform().unstarted(() -> {}));
        (shared ? tasks.parallel() : tasks).forEach(task -> {
            float[] row = new float[columns];
            int end = Math.min(rows, (task + 1) * ROWS_PER_TASK);
            for (int r = task * ROWS_PER_TASK; r < end; r++) {
                expand(type, source, order.source(r) * rowBytes, row);
                long base = (long) r * columns * Bf16.BYTES;
                for (int i = 0; i < columns; i++) {
                    target.set(SHORT, base + (long) i * Bf16.BYTES, Bf16.fromFloat(row[i]));
                }
            }
        });
    }

    /// Expands the values of one row, whose blocks start at `offset`.
    static void expand(GgufType type, MemorySegment source, long offset, float[] row) {
        for (int i = 0; i < row.length; i += type.blockValues, offset += type.blockBytes) {
            switch (type) {
                case F32 -> row[i] = source.get(FLOAT, offset);
                case F16 -> row[i] = half(source, offset);
                case BF16 -> row[i] = Bf16.toFloat(source.get(SHORT, offset));
                case Q8_0 -> expandQ8(source, offset, row, i);
                case Q4_0 -> expandQ4(source, offset, row, i);
                case Q4_1 -> expandQ4WithMinimum(source, offset, row, i);
                case Q4_K -> expandQ4K(source, offset, row, i);
                case Q5_K -> expandQ5K(source, offset, row, i);
                case Q6_K -> expandQ6K(source, offset, row, i);
            }
        }
    }

    private static float half(MemorySegment source, long offset) {
        return Float.float16ToFloat(source.get(SHORT, offset));
    }

    private static int unsigned(MemorySegment source, long offset) {
        return source.get(BYTE, offset) & 0xff;
    }

    /// Block: f16 scale; 32 signed bytes.
    private static void expandQ8(MemorySegment source, long offset, float[] row, int start) {
        float scale = half(source, offset);
        for (int i = 0; i < 32; i++) {
            row[start + i] = scale * source.get(BYTE, offset + 2 + i);
        }
    }

    /// Block: f16 scale; 16 bytes, whose low halves are the first 16 values and whose high halves the last.
    private static void expandQ4(MemorySegment source, long offset, float[] row, int start) {
        float scale = half(source, offset);
        for (int i = 0; i < 16; i++) {
            int pair = unsigned(source, offset + 2 + i);
            row[start + i] = scale * ((pair & 0xf) - 8);
            row[start + 16 + i] = scale * ((pair >> 4) - 8);
        }
    }

    /// Block: f16 scale; f16 minimum; 16 bytes as in Q4_0, but unsigned.
    private static void expandQ4WithMinimum(MemorySegment source, long offset, float[] row, int start) {
        float scale = half(source, offset);
        float minimum = half(source, offset + 2);
        for (int i = 0; i < 16; i++) {
            int pair = unsigned(source, offset + 4 + i);
            row[start + i] = scale * (pair & 0xf) + minimum;
            row[start + 16 + i] = scale * (pair >> 4) + minimum;
        }
    }

    /// Block: f16 scale of scales; f16 scale of minima; 8 scales and 8 minima of 6 bits in 12 bytes; 128 bytes,
    /// each 32 of them holding the sub-blocks 2n (low halves) and 2n+1 (high halves).
    private static void expandQ4K(MemorySegment source, long offset, float[] row, int start) {
        float scale = half(source, offset);
        float minimum = half(source, offset + 2);
        for (int sub = 0; sub < 8; sub++) {
            float subScale = scale * subScale(source, offset + 4, sub);
            float subMinimum = minimum * subMinimum(source, offset + 4, sub);
            long quants = offset + 16 + (sub >> 1) * 32L;
            int shift = (sub & 1) * 4;
            for (int i = 0; i < 32; i++) {
                int quant = (unsigned(source, quants + i) >> shift) & 0xf;
                row[start + sub * 32 + i] = subScale * quant - subMinimum;
            }
        }
    }

    /// As Q4_K, with 32 bytes before the low halves whose bit n is the fifth bit of sub-block n.
    private static void expandQ5K(MemorySegment source, long offset, float[] row, int start) {
        float scale = half(source, offset);
        float minimum = half(source, offset + 2);
        for (int sub = 0; sub < 8; sub++) {
            float subScale = scale * subScale(source, offset + 4, sub);
            float subMinimum = minimum * subMinimum(source, offset + 4, sub);
            long quants = offset + 48 + (sub >> 1) * 32L;
            int shift = (sub & 1) * 4;
            for (int i = 0; i < 32; i++) {
                int high = (unsigned(source, offset + 16 + i) >> sub) & 1;
                int quant = ((unsigned(source, quants + i) >> shift) & 0xf) | high << 4;
                row[start + sub * 32 + i] = subScale * quant - subMinimum;
            }
        }
    }

    private static int subScale(MemorySegment source, long scales, int sub) {
        return sub < 4
                ? unsigned(source, scales + sub) & 0x3f
                : (unsigned(source, scales + 4 + sub) & 0xf) | (unsigned(source, scales + sub - 4) >> 2 & 0x30);
    }

    private static int subMinimum(MemorySegment source, long scales, int sub) {
        return sub < 4
                ? unsigned(source, scales + 4 + sub) & 0x3f
                : (unsigned(source, scales + 4 + sub) >> 4) | (unsigned(source, scales + sub) >> 2 & 0x30);
    }

    /// Block: 128 bytes of low halves; 64 bytes of upper two bits; 16 signed byte scales, one for 16 values; f16
    /// scale.
    private static void expandQ6K(MemorySegment source, long offset, float[] row, int start) {
        float scale = half(source, offset + 208);
        for (int group = 0; group < 8; group++) {
            int chunk = group >> 2;
            int part = group & 3;
            long low = offset + chunk * 64L + (part & 1) * 32L;
            long high = offset + 128 + chunk * 32L;
            for (int i = 0; i < 32; i++) {
                float subScale = scale * source.get(BYTE, offset + 192 + group * 2L + (i >> 4));
                int quant = (unsigned(source, low + i) >> ((part >> 1) * 4) & 0xf)
                        | (unsigned(source, high + i) >> (part * 2) & 3) << 4;
                row[start + group * 32 + i] = subScale * (quant - 32);
            }
        }
    }
}
