package org.openlora.kernels;

import static org.openlora.kernels.Lanes.COUNT;
import static org.openlora.kernels.Lanes.FLOATS;
import static org.openlora.kernels.Lanes.SHORTS;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;

/// The inner loops of the low-rank products, over rank rows of bf16 (see [LoraModule]).
///
/// *Shrink* multiplies a row of `x` with rank rows of A: lane `l` of an accumulator adds the inputs `l, l + L, …`
/// in ascending order; the lanes are added by [Lanes#sum], then the inputs beyond the last whole vector one by
/// one.
/// *Expand* adds rank rows of B in ascending order, one chain for each output, and adds the result times a factor
/// to `y`. Tiles of one and of two rows have 8 accumulators and add in the same order.
final class LoraTiles {
    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
    private static final long VECTOR_BYTES = (long) COUNT * Bf16.BYTES;

    /// Outputs of the one-row expand tile.
    static final int EXPAND_1 = 8 * COUNT;
    /// Outputs of the two-row expand tile.
    static final int EXPAND_2 = 4 * COUNT;
    /// Floats that a shrink tile uses of `lanes`.
    static final int SHRINK_LANES = 8 * COUNT;

    private LoraTiles() {}

    /// `h[hAt + i] = Σₖ x[xAt + k] · a[i][k]` for 8 rank rows `i`, from byte `at` of `a` on, `stride` bytes
    /// apart.
    static void shrink(
            MemorySegment a, long at, long stride, int inputs, float[] x, int xAt, float[] lanes, float[] h, int hAt) {
        FloatVector sum0 = FloatVector.zero(FLOATS);
        FloatVector sum1 = sum0;
        FloatVector sum2 = sum0;
        FloatVector sum3 = sum0;
        FloatVector sum4 = sum0;
        FloatVector sum5 = sum0;
        FloatVector sum6 = sum0;
        FloatVector sum7 = sum0;
        int whole = FLOATS.loopBound(inputs);
        for (int k = 0; k < whole; k += COUNT) {
            FloatVector input = FloatVector.fromArray(FLOATS, x, xAt + k);
            long row = at + (long) k * Bf16.BYTES;
            sum0 = input.fma(load(a, row), sum0);
            sum1 = input.fma(load(a, row + stride), sum1);
            sum2 = input.fma(load(a, row + 2 * stride), sum2);
            sum3 = input.fma(load(a, row + 3 * stride), sum3);
            sum4 = input.fma(load(a, row + 4 * stride), sum4);
            sum5 = input.fma(load(a, row + 5 * stride), sum5);
            sum6 = input.fma(load(a, row + 6 * stride), sum6);
            sum7 = input.fma(load(a, row + 7 * stride), sum7);
        }
        sum0.intoArray(lanes, 0);
        sum1.intoArray(lanes, COUNT);
        sum2.intoArray(lanes, 2 * COUNT);
        sum3.intoArray(lanes, 3 * COUNT);
        sum4.intoArray(lanes, 4 * COUNT);
        sum5.intoArray(lanes, 5 * COUNT);
        sum6.intoArray(lanes, 6 * COUNT);
        sum7.intoArray(lanes, 7 * COUNT);
        for (int i = 0; i < 8; i++) {
            h[hAt + i] = finish(lanes, i * COUNT, a, at + i * stride, whole, inputs, x, xAt);
        }
    }

    /// The same for 4 rank rows and two rows of `x`.
    static void shrink2(
            MemorySegment a,
            long at,
            long stride,
            int inputs,
            float[] x,
            int xAt,
            int xAt2,
            float[] lanes,
            float[] h,
            int hAt,
            int hAt2) {
        FloatVector sum0 = FloatVector.zero(FLOATS);
        FloatVector sum1 = sum0;
        FloatVector sum2 = sum0;
        FloatVector sum3 = sum0;
        FloatVector sum4 = sum0;
        FloatVector sum5 = sum0;
        FloatVector sum6 = sum0;
        FloatVector sum7 = sum0;
        int whole = FLOATS.loopBound(inputs);
        for (int k = 0; k < whole; k += COUNT) {
            FloatVector first = FloatVector.fromArray(FLOATS, x, xAt + k);
            FloatVector second = FloatVector.fromArray(FLOATS, x, xAt2 + k);
            long row = at + (long) k * Bf16.BYTES;
            FloatVector weights = load(a, row);
            sum0 = first.fma(weights, sum0);
            sum4 = second.fma(weights, sum4);
            weights = load(a, row + stride);
            sum1 = first.fma(weights, sum1);
            sum5 = second.fma(weights, sum5);
            weights = load(a, row + 2 * stride);
            sum2 = first.fma(weights, sum2);
            sum6 = second.fma(weights, sum6);
            weights = load(a, row + 3 * stride);
            sum3 = first.fma(weights, sum3);
            sum7 = second.fma(weights, sum7);
        }
        sum0.intoArray(lanes, 0);
        sum1.intoArray(lanes, COUNT);
        sum2.intoArray(lanes, 2 * COUNT);
        sum3.intoArray(lanes, 3 * COUNT);
        sum4.intoArray(lanes, 4 * COUNT);
        sum5.intoArray(lanes, 5 * COUNT);
        sum6.intoArray(lanes, 6 * COUNT);
        sum7.intoArray(lanes, 7 * COUNT);
        for (int i = 0; i < 4; i++) {
            h[hAt + i] = finish(lanes, i * COUNT, a, at + i * stride, whole, inputs, x, xAt);
            h[hAt2 + i] = finish(lanes, (i + 4) * COUNT, a, at + i * stride, whole, inputs, x, xAt2);
        }
    }

    /// `y[yAt + j] += factor · Σᵣ h[hAt + r] · b[r][j]` for [#EXPAND_1] outputs `j`, rank rows `stride` bytes
    /// apart.
    static void expand(
            MemorySegment b, long at, long stride, int rank, float[] h, int hAt, float factor, float[] y, int yAt) {
        FloatVector sum0 = FloatVector.zero(FLOATS);
        FloatVector sum1 = sum0;
        FloatVector sum2 = sum0;
        FloatVector sum3 = sum0;
        FloatVector sum4 = sum0;
        FloatVector sum5 = sum0;
        FloatVector sum6 = sum0;
        FloatVector sum7 = sum0;
        for (int r = 0; r < rank; r++) {
            FloatVector input = FloatVector.broadcast(FLOATS, h[hAt + r]);
            long row = at + r * stride;
            sum0 = input.fma(load(b, row), sum0);
            sum1 = input.fma(load(b, row + VECTOR_BYTES), sum1);
            sum2 = input.fma(load(b, row + 2 * VECTOR_BYTES), sum2);
            sum3 = input.fma(load(b, row + 3 * VECTOR_BYTES), sum3);
            sum4 = input.fma(load(b, row + 4 * VECTOR_BYTES), sum4);
            sum5 = input.fma(load(b, row + 5 * VECTOR_BYTES), sum5);
            sum6 = input.fma(load(b, row + 6 * VECTOR_BYTES), sum6);
            sum7 = input.fma(load(b, row + 7 * VECTOR_BYTES), sum7);
        }
        FloatVector factors = FloatVector.broadcast(FLOATS, factor);
        add(sum0, factors, y, yAt);
        add(sum1, factors, y, yAt + COUNT);
        add(sum2, factors, y, yAt + 2 * COUNT);
        add(sum3, factors, y, yAt + 3 * COUNT);
        add(sum4, factors, y, yAt + 4 * COUNT);
        add(sum5, factors, y, yAt + 5 * COUNT);
        add(sum6, factors, y, yAt + 6 * COUNT);
        add(sum7, factors, y, yAt + 7 * COUNT);
    }

    /// The same for [#EXPAND_2] outputs of two different rows.
    static void expand2(
            MemorySegment b,
            long at,
            long stride,
            int rank,
            float[] h,
            int hAt,
            int hAt2,
            float factor,
            float factor2,
            float[] y,
            int yAt,
            int yAt2) {
        FloatVector sum0 = FloatVector.zero(FLOATS);
        FloatVector sum1 = sum0;
        FloatVector sum2 = sum0;
        FloatVector sum3 = sum0;
        FloatVector sum4 = sum0;
        FloatVector sum5 = sum0;
        FloatVector sum6 = sum0;
        FloatVector sum7 = sum0;
        for (int r = 0; r < rank; r++) {
            FloatVector first = FloatVector.broadcast(FLOATS, h[hAt + r]);
            FloatVector second = FloatVector.broadcast(FLOATS, h[hAt2 + r]);
            long row = at + r * stride;
            FloatVector weights = load(b, row);
            sum0 = first.fma(weights, sum0);
            sum4 = second.fma(weights, sum4);
            weights = load(b, row + VECTOR_BYTES);
            sum1 = first.fma(weights, sum1);
            sum5 = second.fma(weights, sum5);
            weights = load(b, row + 2 * VECTOR_BYTES);
            sum2 = first.fma(weights, sum2);
            sum6 = second.fma(weights, sum6);
            weights = load(b, row + 3 * VECTOR_BYTES);
            sum3 = first.fma(weights, sum3);
            sum7 = second.fma(weights, sum7);
        }
        FloatVector factors = FloatVector.broadcast(FLOATS, factor);
        add(sum0, factors, y, yAt);
        add(sum1, factors, y, yAt + COUNT);
        add(sum2, factors, y, yAt + 2 * COUNT);
        add(sum3, factors, y, yAt + 3 * COUNT);
        FloatVector factors2 = FloatVector.broadcast(FLOATS, factor2);
        add(sum4, factors2, y, yAt2);
        add(sum5, factors2, y, yAt2 + COUNT);
        add(sum6, factors2, y, yAt2 + 2 * COUNT);
        add(sum7, factors2, y, yAt2 + 3 * COUNT);
    }

    /// The same for any number of outputs of one row: what the tiles leave over.
    static void expandRest(
            MemorySegment b,
            long at,
            long stride,
            int rank,
            float[] h,
            int hAt,
            float factor,
            float[] y,
            int yAt,
            int outputs) {
        int j = 0;
        for (; j + COUNT <= outputs; j += COUNT) {
            FloatVector sum = FloatVector.zero(FLOATS);
            for (int r = 0; r < rank; r++) {
                FloatVector input = FloatVector.broadcast(FLOATS, h[hAt + r]);
                sum = input.fma(load(b, at + r * stride + (long) j * Bf16.BYTES), sum);
            }
            add(sum, FloatVector.broadcast(FLOATS, factor), y, yAt + j);
        }
        for (; j < outputs; j++) {
            float sum = 0;
            for (int r = 0; r < rank; r++) {
                sum = Math.fma(h[hAt + r], element(b, at + r * stride, j), sum);
            }
            y[yAt + j] = Math.fma(sum, factor, y[yAt + j]);
        }
    }

    private static float finish(
            float[] lanes, int lanesAt, MemorySegment a, long row, int whole, int inputs, float[] x, int xAt) {
        float sum = Lanes.sum(lanes, lanesAt);
        for (int k = whole; k < inputs; k++) {
            sum = Math.fma(x[xAt + k], element(a, row, k), sum);
        }
        return sum;
    }

    private static float element(MemorySegment rows, long row, int index) {
        return Bf16.toFloat(rows.get(LoraModule.BF16, row + (long) index * Bf16.BYTES));
    }

    private static void add(FloatVector sum, FloatVector factor, float[] y, int at) {
        sum.fma(factor, FloatVector.fromArray(FLOATS, y, at)).intoArray(y, at);
    }

    private static FloatVector load(MemorySegment rows, long at) {
        return Lanes.widen(ShortVector.fromMemorySegment(SHORTS, rows, at, ORDER));
    }
}
