package org.openlora.meter.exact;

import java.math.BigInteger;

/// `floor(65536 · log2 n)` for whole numbers: a logarithm in units of 2⁻¹⁶ bit that is the same on every machine.
/// Its definition needs no floating point: one less than the bit length of n⁶⁵⁵³⁶.
public final class FixedPointLog2 {
    /// Units of one bit.
    public static final int ONE = 1 << FixedPointLog2.FRACTION_BITS;

    private static final int FRACTION_BITS = 16;

    /// Each squaring doubles the error of the truncated mantissa, so 2⁻¹²⁸ at the start stays far below the
    /// distance of any power n⁶⁵⁵³⁶ (n < 2⁶³, no power of two) from the next power of two.
    private static final int MANTISSA_BITS = 128;

    private FixedPointLog2() {}

    /// @param number at least 1
    public static int floor(long number) {
        if (number < 1) {
            throw new IllegalArgumentException("no logarithm of " + number);
        }
        int exponent = Long.SIZE - 1 - Long.numberOfLeadingZeros(number);
        BigInteger mantissa = BigInteger.valueOf(number).shiftLeft(MANTISSA_BITS - exponent);
        int result = exponent;
        for (int i = 0; i < FRACTION_BITS; i++) {
            mantissa = mantissa.multiply(mantissa).shiftRight(MANTISSA_BITS);
            result <<= 1;
            if (mantissa.bitLength() > MANTISSA_BITS + 1) {
                mantissa = mantissa.shiftRight(1);
                result |= 1;
            }
        }
        return result;
    }
}
