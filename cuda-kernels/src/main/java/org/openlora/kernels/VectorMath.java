package org.openlora.kernels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/// Transcendental functions on vectors, from operations that every width and the interpreter round alike.
///
/// `VectorOperators.EXP` is no substitute: it calls a library where there is one and `StrictMath` elsewhere, with
/// other last bits.
final class VectorMath {
    private static final float LOG2_E = 1.442695f;
    private static final float LN2_HIGH = 0.6933594f;
    private static final float LN2_LOW = -2.12194440e-4f;
    /// 1.5 · 2²³: adding it rounds to an integer, which then stands in the low bits.
    private static final float ROUNDER = 12582912f;
    private static final int ROUNDER_BITS = 0x4b400000;
    private static final float MIN = -87.3f;
    private static final float MAX = 88.3f;
    private static final int MANTISSA_BITS = 23;

    private VectorMath() {}

    /// eˣ within 2 units in the last place for x in [-87.3, 88.3]; arguments beyond are taken as the nearer end,
    /// NaN stays NaN. Cody–Waite reduction and the polynomial of Cephes' expf.
    static FloatVector exp(FloatVector x) {
        FloatVector clamped = x.lanewise(VectorOperators.MAX, MIN).lanewise(VectorOperators.MIN, MAX);
        FloatVector rounded = clamped.fma(broadcast(LOG2_E), broadcast(ROUNDER));
        FloatVector n = rounded.sub(ROUNDER);
        FloatVector r = n.fma(broadcast(-LN2_HIGH), clamped);
        r = n.fma(broadcast(-LN2_LOW), r);
        FloatVector p = broadcast(1.9875691e-4f);
        p = p.fma(r, broadcast(1.3981999e-3f));
        p = p.fma(r, broadcast(8.333452e-3f));
        p = p.fma(r, broadcast(4.1665796e-2f));
        p = p.fma(r, broadcast(1.6666666e-1f));
        p = p.fma(r, broadcast(0.5f));
        p = p.fma(r.mul(r), r).add(1f);
        IntVector exponent = rounded.reinterpretAsInts().sub(ROUNDER_BITS - 127);
        FloatVector power =
                exponent.lanewise(VectorOperators.LSHL, MANTISSA_BITS).reinterpretAsFloats();
        return p.mul(power);
    }

    /// [#exp(FloatVector)] of one number, bit for bit.
    static float exp(float x) {
        float clamped = Math.min(Math.max(x, MIN), MAX);
        float rounded = Math.fma(clamped, LOG2_E, ROUNDER);
        float n = rounded - ROUNDER;
        float r = Math.fma(n, -LN2_LOW, Math.fma(n, -LN2_HIGH, clamped));
        float p = 1.9875691e-4f;
        p = Math.fma(p, r, 1.3981999e-3f);
        p = Math.fma(p, r, 8.333452e-3f);
        p = Math.fma(p, r, 4.1665796e-2f);
        p = Math.fma(p, r, 1.6666666e-1f);
        p = Math.fma(p, r, 0.5f);
        p = Math.fma(p, r * r, r) + 1f;
        int exponent = Float.floatToRawIntBits(rounded) - (ROUNDER_BITS - 127);
        return p * Float.intBitsToFloat(exponent << MANTISSA_BITS);
    }

    private static FloatVector broadcast(float value) {
        return FloatVector.broadcast(Lanes.FLOATS, value);
    }
}
