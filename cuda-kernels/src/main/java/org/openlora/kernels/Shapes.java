package org.openlora.kernels;

import java.lang.foreign.MemorySegment;

/// Argument checks that name the operand, what it holds and what was needed.
final class Shapes {
    private Shapes() {}

    static int positive(String name, int value) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + " is " + value + ", must be positive");
        }
        return value;
    }

    static int notNegative(String name, int value) {
        if (value < 0) {
            throw new IllegalArgumentException(name + " is " + value + ", must not be negative");
        }
        return value;
    }

    /// `array` holds at least `rows × width` floats.
    static void matrix(String name, float[] array, int rows, int width) {
        if (rows < 0 || (long) rows * width > array.length) {
            throw new IllegalArgumentException(
                    name + " holds " + array.length + " floats, needs [" + rows + ", " + width + "]");
        }
    }

    /// `rows` rows of `stride` floats hold `width` floats from `offset` on.
    static void strided(String name, float[] array, int rows, int stride, int offset, int width) {
        if (rows < 0
                || offset < 0
                || stride < 0
                || (rows > 1 && (long) offset + width > stride)
                || (rows > 0 && (rows - 1L) * stride + offset + width > array.length)) {
            throw new IllegalArgumentException(name + " holds " + array.length + " floats, needs " + rows
                    + " rows of stride " + stride + " with " + width + " floats from offset " + offset);
        }
    }

    /// `segment` holds at least `bytes` bytes.
    static void bytes(String name, MemorySegment segment, long bytes) {
        if (segment.byteSize() < bytes) {
            throw new IllegalArgumentException(
                    name + " holds " + segment.byteSize() + " bytes, needs " + bytes + " bytes");
        }
    }

    /// `bf16RowMajor` holds at least `outputs × inputs` bf16 numbers, of which there are some.
    static void weights(MemorySegment bf16RowMajor, int outputs, int inputs) {
        positive("outputs", outputs);
        positive("inputs", inputs);
        bytes("weights [" + outputs + ", " + inputs + "]", bf16RowMajor, (long) outputs * inputs * Bf16.BYTES);
    }

    static int roundUp(int value, int multiple) {
        return Math.toIntExact(roundUp((long) value, multiple));
    }

    static long roundUp(long value, int multiple) {
        return (value + multiple - 1) / multiple * multiple;
    }
}
