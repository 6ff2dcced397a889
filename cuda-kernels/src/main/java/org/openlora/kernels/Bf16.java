package org.openlora.kernels;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Objects;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/// The bfloat16 number format: the upper half of an IEEE 754 binary32.
public final class Bf16 {
    /// Bytes of one number.
    public static final int BYTES = 2;

    private Bf16() {}

    /// Widens exactly.
    public static float toFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /// Rounds to nearest, ties to even; a NaN stays a (quiet) NaN.
    public static short fromFloat(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) ((bits >>> 16) | 0x0040);
        }
        return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
    }

    /// [#fromFloat(float)] of `count` floats of `values` from `at` on, written to `bf16` from byte `offset` on.
    ///
    /// @throws IndexOutOfBoundsException if either is shorter
    public static void fromFloats(float[] values, int at, int count, MemorySegment bf16, long offset) {
        Objects.checkFromIndexSize(at, count, values.length);
        int whole = Lanes.FLOATS.loopBound(count);
        for (int i = 0; i < whole; i += Lanes.COUNT) {
            round(FloatVector.fromArray(Lanes.FLOATS, values, at + i))
                    .lanewise(VectorOperators.LSHR, 16)
                    .convertShape(VectorOperators.I2S, Lanes.SHORTS, 0)
                    .reinterpretAsShorts()
                    .intoMemorySegment(bf16, offset + (long) i * BYTES, ByteOrder.LITTLE_ENDIAN);
        }
        for (int i = whole; i < count; i++) {
            bf16.set(LoraModule.BF16, offset + (long) i * BYTES, fromFloat(values[at + i]));
        }
    }

    /// [#toFloat(short)] of `count` numbers of `bf16` from byte `offset` on, written to `values` from `at` on.
    ///
    /// @throws IndexOutOfBoundsException if either is shorter
    public static void toFloats(MemorySegment bf16, long offset, int count, float[] values, int at) {
        Objects.checkFromIndexSize(at, count, values.length);
        int whole = Lanes.FLOATS.loopBound(count);
        for (int i = 0; i < whole; i += Lanes.COUNT) {
            Lanes.widen(ShortVector.fromMemorySegment(
                            Lanes.SHORTS, bf16, offset + (long) i * BYTES, ByteOrder.LITTLE_ENDIAN))
                    .intoArray(values, at + i);
        }
        for (int i = whole; i < count; i++) {
            values[at + i] = toFloat(bf16.get(LoraModule.BF16, offset + (long) i * BYTES));
        }
    }

    /// [#fromFloat(float)] of each lane, in the upper half of its int; the lower half means nothing.
    static IntVector round(FloatVector numbers) {
        IntVector bits = numbers.reinterpretAsInts();
        IntVector odd = bits.lanewise(VectorOperators.LSHR, 16).and(1);
        IntVector rounded = bits.add(odd).add(0x7fff);
        // Rounding could carry a NaN's payload away, so NaNs are made quiet instead.
        VectorMask<Integer> nan = bits.and(0x7fff_ffff).compare(VectorOperators.GT, 0x7f80_0000);
        return rounded.blend(bits.or(0x0040_0000), nan);
    }
}
