package org.openlora.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;

/// Seeded operands.
final class Data {
    private Data() {}

    /// Uniform in [-1, 1).
    static float[] floats(long seed, int count) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        return values;
    }

    /// Uniform in [-1, 1), representable in bf16.
    static float[] bf16Floats(long seed, int count) {
        float[] values = floats(seed, count);
        for (int i = 0; i < count; i++) {
            values[i] = Bf16.toFloat(Bf16.fromFloat(values[i]));
        }
        return values;
    }

    static MemorySegment bf16(Arena arena, float[] values) {
        MemorySegment segment = arena.allocate((long) values.length * Bf16.BYTES, 16);
        for (int i = 0; i < values.length; i++) {
            segment.set(LoraModule.BF16, (long) i * Bf16.BYTES, Bf16.fromFloat(values[i]));
        }
        return segment;
    }

    static float[] row(float[] matrix, int row, int width) {
        float[] copy = new float[width];
        System.arraycopy(matrix, row * width, copy, 0, width);
        return copy;
    }
}
