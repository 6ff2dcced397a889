package org.openlora.kernels;

import static org.openlora.kernels.Lanes.COUNT;
import static org.openlora.kernels.Lanes.FLOATS;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/// Passes over one row of logits: the largest, and sums of exponentials.
///
/// A row is taken in blocks of [#BLOCK] logits; results of single blocks let a caller skip most of a row. Sums have
/// one order on every vector width, so that the same logits give the same bits on every machine.
///
/// Not thread-safe: an instance owns scratch memory.
public final class Vocabulary {
    /// Logits in a block; the last block of a row may be shorter.
    public static final int BLOCK = 128;

    /// Partial sums of a block, whatever the vector width: logit `i` goes to sum `i mod 16`.
    private static final int SUMS = 16;

    /// Exponentials of less are 0: near the end of the range of f32.
    private static final float SMALLEST_EXPONENT = -87;

    private final float[] sums = new float[SUMS];
    private final float[] padded = new float[BLOCK];

    /// Blocks of a row of `length` logits.
    public static int blocks(int length) {
        return (length + BLOCK - 1) / BLOCK;
    }

    /// Index of the largest of `length >= 1` logits from `offset` on, relative to `offset`; the lowest of equal ones.
    ///
    /// @return -1 if any logit is NaN
    public static int argmax(float[] logits, int offset, int length) {
        Shapes.strided("logits", logits, 1, logits.length, offset, length);
        float best = Float.NEGATIVE_INFINITY;
        int bestBlock = 0;
        for (int start = 0; start < length; start += BLOCK) {
            float max = max(logits, offset + start, Math.min(BLOCK, length - start));
            if (max > best) {
                best = max;
                bestBlock = start;
            } else if (Float.isNaN(max)) {
                return -1;
            }
        }
        int index = bestBlock;
        while (logits[offset + index] != best) {
            index++;
        }
        return index;
    }

    /// The largest logit of each block.
    ///
    /// @param maxima `[blocks(length)]`, overwritten
    /// @return the largest of all; NaN if any logit is NaN
    public static float blockMaxima(float[] logits, int offset, int length, float[] maxima) {
        Shapes.strided("logits", logits, 1, logits.length, offset, length);
        float best = Float.NEGATIVE_INFINITY;
        for (int block = 0, start = 0; start < length; block++, start += BLOCK) {
            float max = max(logits, offset + start, Math.min(BLOCK, length - start));
            maxima[block] = max;
            best = Math.max(best, max); // NaN stays NaN
        }
        return best;
    }

    /// `Σ exp((logit - max) · factor)` of each block.
    ///
    /// @param max at least the largest logit
    /// @param factor above 0
    /// @param blockSums `[blocks(length)]`, overwritten
    /// @return the sum of all, within 10⁻⁶ of it
    public double expSums(float[] logits, int offset, int length, float max, float factor, double[] blockSums) {
        Shapes.strided("logits", logits, 1, logits.length, offset, length);
        double total = 0;
        for (int block = 0, start = 0; start < length; block++, start += BLOCK) {
            boolean whole = start + BLOCK <= length;
            double sum = expSum(
                    whole ? logits : padded(logits, offset + start, length - start),
                    whole ? offset + start : 0,
                    max,
                    factor);
            blockSums[block] = sum;
            total += sum;
        }
        return total;
    }

    /// `values[i] = exp((values[i] - max) · factor)` for `i < length`; a value's result does not depend on its place.
    /// Exactly 0 where the exponent is below -87, so that a logit of -∞ has no weight at all.
    ///
    /// @param values padded to a multiple of [#BLOCK]; what lies beyond `length` is overwritten
    public static void exp(float[] values, int length, float max, float factor) {
        for (int i = 0; i < length; i += COUNT) {
            expVector(values, i, max, factor).intoArray(values, i);
        }
    }

    private static FloatVector expVector(float[] values, int at, float max, float factor) {
        FloatVector exponent =
                FloatVector.fromArray(FLOATS, values, at).sub(max).mul(factor);
        return VectorMath.exp(exponent).blend(0f, exponent.compare(VectorOperators.LT, SMALLEST_EXPONENT));
    }

    private static float max(float[] logits, int at, int count) {
        FloatVector max0 = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
        FloatVector max1 = max0;
        int i = 0;
        for (; i + 2 * COUNT <= count; i += 2 * COUNT) {
            max0 = max0.max(FloatVector.fromArray(FLOATS, logits, at + i));
            max1 = max1.max(FloatVector.fromArray(FLOATS, logits, at + i + COUNT));
        }
        float max = max0.max(max1).reduceLanes(VectorOperators.MAX);
        for (; i < count; i++) {
            max = Math.max(max, logits[at + i]);
        }
        return max;
    }

    private float[] padded(float[] logits, int at, int count) {
        System.arraycopy(logits, at, padded, 0, count);
        Arrays.fill(padded, count, BLOCK, Float.NEGATIVE_INFINITY);
        return padded;
    }

    /// One block: each of the 16 sums in f32 over 8 logits, then all of them in order in f64.
    ///
    /// The exponential stands here once: a second copy is more than C2 inlines, and a vector that crosses a call is
    /// an object.
    private double expSum(float[] logits, int at, float max, float factor) {
        for (int vector = 0; vector < SUMS; vector += COUNT) {
            FloatVector sum = FloatVector.zero(FLOATS);
            for (int i = vector; i < BLOCK; i += SUMS) {
                sum = sum.add(expVector(logits, at + i, max, factor));
            }
            sum.intoArray(sums, vector);
        }
        double total = 0;
        for (float sum : sums) {
            total += sum;
        }
        return total;
    }
}
