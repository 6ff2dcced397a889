package org.openlora.kernels;

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
}
