package org.openlora.kernels;

import static org.openlora.kernels.Int8PanelMatrix.PANEL;
import static org.openlora.kernels.Int8PanelMatrix.SCALES_BYTES;
import static org.openlora.kernels.Lanes.COUNT;
import static org.openlora.kernels.Lanes.FLOATS;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// The inner loops of every product with int8 panels: rows of `x` times one block of a panel, that is 4L outputs
/// (L = float lanes) by `depth` inputs of one group (see [Int8PanelMatrix]).
///
/// **Formula.** For each row `r` of the tile and output `j` of the panel:
/// `y[r][j] = fma(scale[j], Σₖ x[r][k] · q[k][j], y[r][j])`, the sum starting at zero, one fused multiply-add per
/// `k` in ascending order. It is the same in every tile, so tiles change no bit. (Callers zero `y` before the
/// first group.)
///
/// **Two ways to the bytes.** A sign extension and a conversion make L weights of L bytes, in registers, for the rows
/// of a tile. For many rows [#widen] does so once, into an array that stays in the first-level cache and that the
/// tiles of all rows then read.
///
/// **Shape.** 8 accumulators hide the latency of FMA on two pipes and leave room on the 16 registers of AVX2: 4 rows
/// × half a panel, 2 rows × a panel, 1 row × 2 panels. One row waits for memory, and two streams of it are fetched
/// ahead almost twice as fast as one. No loop is unrolled by hand: a body past C2's inlining budget boxes its vectors
/// and runs many times slower.
///
/// Operands: `w` the block from byte `at` on; `x` rows from `xAt` on, `xStride` floats apart; `y` rows from `yAt`
/// on, `yStride` apart, the only operand written.
final class Int8Tiles {
    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
    /// L bytes; eight with L = 4, of which the first four count.
    private static final VectorSpecies<Byte> BYTES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, COUNT * Byte.SIZE)));

    private Int8Tiles() {}

    /// One row times a whole panel.
    static void row1(MemorySegment w, long at, int depth, float[] x, int xAt, float[] y, int yAt) {
        FloatVector sum0 = FloatVector.zero(FLOATS);
        FloatVector sum1 = sum0;
        FloatVector sum2 = sum0;
        FloatVector sum3 = sum0;
        for (int k = 0; k < depth; k++) {
            long step = at + SCALES_BYTES + (long) k * PANEL;
            FloatVector input = FloatVector.broadcast(FLOATS, x[xAt + k]);
            sum0 = input.fma(floats(w, step, 0), sum0);
            sum1 = input.fma(floats(w, step, 1), sum1);
            sum2 = input.fma(floats(w, step, 2), sum2);
            sum3 = input.fma(floats(w, step, 3), sum3);
        }
        addScaled(scale(w, at, 0), sum0, y, yAt);
        addScaled(scale(w, at, 1), sum1, y, yAt + COUNT);
        addScaled(scale(w, at, 2), sum2, y, yAt + 2 * COUNT);
        addScaled(scale(w, at, 3), sum3, y, yAt + 3 * COUNT);
    }

    /// One row times two whole panels, the second `panelBytes` behind the first.
    ///
    /// @param sums at least 8L floats, overwritten: scaling in here would pass C2's inlining budget
    static void row1panels2(
            MemorySegment w,
            long at,
            long panelBytes,
            int depth,
            float[] x,
            int xAt,
            float[] y,
            int yAt,
            float[] sums) {
        long at1 = at + panelBytes;
        FloatVector sum0 = FloatVector.zero(FLOATS);
        FloatVector sum1 = sum0;
        FloatVector sum2 = sum0;
        FloatVector sum3 = sum0;
        FloatVector sum4 = sum0;
        FloatVector sum5 = sum0;
        FloatVector sum6 = sum0;
        FloatVector sum7 = sum0;
        for (int k = 0; k < depth; k++) {
            long step = SCALES_BYTES + (long) k * PANEL;
            long step0 = at + step;
            long step1 = at1 + step;
            FloatVector input = FloatVector.broadcast(FLOATS, x[xAt + k]);
            sum0 = input.fma(floats(w, step0, 0), sum0);
            sum1 = input.fma(floats(w, step0, 1), sum1);
            sum2 = input.fma(floats(w, step0, 2), sum2);
            sum3 = input.fma(floats(w, step0, 3), sum3);
            sum4 = input.fma(floats(w, step1, 0), sum4);
            sum5 = input.fma(floats(w, step1, 1), sum5);
            sum6 = input.fma(floats(w, step1, 2), sum6);
            sum7 = input.fma(floats(w, step1, 3), sum7);
        }
        sum0.intoArray(sums, 0);
        sum1.intoArray(sums, COUNT);
        sum2.intoArray(sums, 2 * COUNT);
        sum3.intoArray(sums, 3 * COUNT);
        sum4.intoArray(sums, 4 * COUNT);
        sum5.intoArray(sums, 5 * COUNT);
        sum6.intoArray(sums, 6 * COUNT);
        sum7.intoArray(sums, 7 * COUNT);
        addScaled(w, at, sums, 0, y, yAt);
        addScaled(w, at1, sums, PANEL, y, yAt + PANEL);
    }

    /// Two rows times a whole panel.
    static void rows2(
            MemorySegment w, long at, int depth, float[] x, int xAt, int xStride, float[] y, int yAt, int yStride) {
        int x1 = xAt + xStride;
        int y1 = yAt + yStride;
        FloatVector sum00 = FloatVector.zero(FLOATS);
        FloatVector sum01 = sum00;
        FloatVector sum02 = sum00;
        FloatVector sum03 = sum00;
        FloatVector sum10 = sum00;
        FloatVector sum11 = sum00;
        FloatVector sum12 = sum00;
        FloatVector sum13 = sum00;
        for (int k = 0; k < depth; k++) {
            long step = at + SCALES_BYTES + (long) k * PANEL;
            FloatVector input0 = FloatVector.broadcast(FLOATS, x[xAt + k]);
            FloatVector input1 = FloatVector.broadcast(FLOATS, x[x1 + k]);
            FloatVector weights = floats(w, step, 0);
            sum00 = input0.fma(weights, sum00);
            sum10 = input1.fma(weights, sum10);
            weights = floats(w, step, 1);
            sum01 = input0.fma(weights, sum01);
            sum11 = input1.fma(weights, sum11);
            weights = floats(w, step, 2);
            sum02 = input0.fma(weights, sum02);
            sum12 = input1.fma(weights, sum12);
            weights = floats(w, step, 3);
            sum03 = input0.fma(weights, sum03);
            sum13 = input1.fma(weights, sum13);
        }
        FloatVector scale = scale(w, at, 0);
        addScaled(scale, sum00, y, yAt);
        addScaled(scale, sum10, y, y1);
        scale = scale(w, at, 1);
        addScaled(scale, sum01, y, yAt + COUNT);
        addScaled(scale, sum11, y, y1 + COUNT);
        scale = scale(w, at, 2);
        addScaled(scale, sum02, y, yAt + 2 * COUNT);
        addScaled(scale, sum12, y, y1 + 2 * COUNT);
        scale = scale(w, at, 3);
        addScaled(scale, sum03, y, yAt + 3 * COUNT);
        addScaled(scale, sum13, y, y1 + 3 * COUNT);
    }

    /// Four rows times the quarters `quarter` and `quarter + 1` of a panel.
    static void rows4(
            MemorySegment w,
            long at,
            int quarter,
            int depth,
            float[] x,
            int xAt,
            int xStride,
            float[] y,
            int yAt,
            int yStride) {
        int x1 = xAt + xStride;
        int x2 = x1 + xStride;
        int x3 = x2 + xStride;
        FloatVector left0 = FloatVector.zero(FLOATS);
        FloatVector right0 = left0;
        FloatVector left1 = left0;
        FloatVector right1 = left0;
        FloatVector left2 = left0;
        FloatVector right2 = left0;
        FloatVector left3 = left0;
        FloatVector right3 = left0;
        for (int k = 0; k < depth; k++) {
            long step = at + SCALES_BYTES + (long) k * PANEL;
            FloatVector left = floats(w, step, quarter);
            FloatVector right = floats(w, step, quarter + 1);
            FloatVector input = FloatVector.broadcast(FLOATS, x[xAt + k]);
            left0 = input.fma(left, left0);
            right0 = input.fma(right, right0);
            input = FloatVector.broadcast(FLOATS, x[x1 + k]);
            left1 = input.fma(left, left1);
            right1 = input.fma(right, right1);
            input = FloatVector.broadcast(FLOATS, x[x2 + k]);
            left2 = input.fma(left, left2);
            right2 = input.fma(right, right2);
            input = FloatVector.broadcast(FLOATS, x[x3 + k]);
            left3 = input.fma(left, left3);
            right3 = input.fma(right, right3);
        }
        FloatVector scale = scale(w, at, quarter);
        int to = yAt + quarter * COUNT;
        addScaled(scale, left0, y, to);
        addScaled(scale, left1, y, to + yStride);
        addScaled(scale, left2, y, to + 2 * yStride);
        addScaled(scale, left3, y, to + 3 * yStride);
        scale = scale(w, at, quarter + 1);
        to += COUNT;
        addScaled(scale, right0, y, to);
        addScaled(scale, right1, y, to + yStride);
        addScaled(scale, right2, y, to + 2 * yStride);
        addScaled(scale, right3, y, to + 3 * yStride);
    }

    /// A block as floats: its bytes `[depth][4L]`, then its scales `[4L]`.
    static void widen(MemorySegment w, long at, int depth, float[] wide) {
        long bytes = at + SCALES_BYTES;
        int count = depth * PANEL;
        for (int i = 0; i < count; i += COUNT) {
            floats(w, bytes + i, 0).intoArray(wide, i);
        }
        for (int quarter = 0; quarter < 4; quarter++) {
            scale(w, at, quarter).intoArray(wide, count + quarter * COUNT);
        }
    }

    /// Four rows times the quarters `quarter` and `quarter + 1` of a widened panel.
    static void wideRows4(
            float[] wide, int quarter, int depth, float[] x, int xAt, int xStride, float[] y, int yAt, int yStride) {
        int x1 = xAt + xStride;
        int x2 = x1 + xStride;
        int x3 = x2 + xStride;
        FloatVector left0 = FloatVector.zero(FLOATS);
        FloatVector right0 = left0;
        FloatVector left1 = left0;
        FloatVector right1 = left0;
        FloatVector left2 = left0;
        FloatVector right2 = left0;
        FloatVector left3 = left0;
        FloatVector right3 = left0;
        int from = quarter * COUNT;
        for (int k = 0; k < depth; k++) {
            int step = from + k * PANEL;
            FloatVector left = FloatVector.fromArray(FLOATS, wide, step);
            FloatVector right = FloatVector.fromArray(FLOATS, wide, step + COUNT);
            FloatVector input = FloatVector.broadcast(FLOATS, x[xAt + k]);
            left0 = input.fma(left, left0);
            right0 = input.fma(right, right0);
            input = FloatVector.broadcast(FLOATS, x[x1 + k]);
            left1 = input.fma(left, left1);
            right1 = input.fma(right, right1);
            input = FloatVector.broadcast(FLOATS, x[x2 + k]);
            left2 = input.fma(left, left2);
            right2 = input.fma(right, right2);
            input = FloatVector.broadcast(FLOATS, x[x3 + k]);
            left3 = input.fma(left, left3);
            right3 = input.fma(right, right3);
        }
        int scales = from + depth * PANEL;
        FloatVector scale = FloatVector.fromArray(FLOATS, wide, scales);
        int to = yAt + from;
        addScaled(scale, left0, y, to);
        addScaled(scale, left1, y, to + yStride);
        addScaled(scale, left2, y, to + 2 * yStride);
        addScaled(scale, left3, y, to + 3 * yStride);
        scale = FloatVector.fromArray(FLOATS, wide, scales + COUNT);
        to += COUNT;
        addScaled(scale, right0, y, to);
        addScaled(scale, right1, y, to + yStride);
        addScaled(scale, right2, y, to + 2 * yStride);
        addScaled(scale, right3, y, to + 3 * yStride);
    }

    /// All `rows` rows times one block, cut into tiles.
    static void multiply(
            MemorySegment w,
            long at,
            int depth,
            float[] x,
            int xAt,
            int xStride,
            int rows,
            float[] y,
            int yAt,
            int yStride) {
        int fours = rows & ~3;
        for (int quarter = 0; quarter < 4; quarter += 2) {
            for (int r = 0; r < fours; r += 4) {
                rows4(w, at, quarter, depth, x, xAt + r * xStride, xStride, y, yAt + r * yStride, yStride);
            }
        }
        multiplyRest(w, at, depth, x, xAt, xStride, fours, rows, y, yAt, yStride);
    }

    /// As [#multiply], through `wide`, an array of at least `(depth + 1) · 4L` floats that is overwritten.
    static void multiplyWide(
            MemorySegment w,
            long at,
            int depth,
            float[] wide,
            float[] x,
            int xAt,
            int xStride,
            int rows,
            float[] y,
            int yAt,
            int yStride) {
        widen(w, at, depth, wide);
        int fours = rows & ~3;
        for (int quarter = 0; quarter < 4; quarter += 2) {
            for (int r = 0; r < fours; r += 4) {
                wideRows4(wide, quarter, depth, x, xAt + r * xStride, xStride, y, yAt + r * yStride, yStride);
            }
        }
        multiplyRest(w, at, depth, x, xAt, xStride, fours, rows, y, yAt, yStride);
    }

    /// Rows `[from, rows)`, up to three.
    private static void multiplyRest(
            MemorySegment w,
            long at,
            int depth,
            float[] x,
            int xAt,
            int xStride,
            int from,
            int rows,
            float[] y,
            int yAt,
            int yStride) {
        int r = from;
        if (rows - r >= 2) {
            rows2(w, at, depth, x, xAt + r * xStride, xStride, y, yAt + r * yStride, yStride);
            r += 2;
        }
        if (r < rows) {
            row1(w, at, depth, x, xAt + r * xStride, y, yAt + r * yStride);
        }
    }

    /// The bytes of one input and a quarter of the panel; `step` is where the panel's bytes of that input begin.
    private static FloatVector floats(MemorySegment w, long step, int quarter) {
        return (FloatVector) ByteVector.fromMemorySegment(BYTES, w, step + (long) quarter * COUNT, ORDER)
                .convertShape(VectorOperators.B2F, FLOATS, 0);
    }

    /// The scales of a quarter of the panel whose block begins at `at`.
    private static FloatVector scale(MemorySegment w, long at, int quarter) {
        return FloatVector.fromMemorySegment(FLOATS, w, at + (long) quarter * COUNT * Float.BYTES, ORDER);
    }

    /// `y[to + j] += scale[j] · sum[j]`, fused.
    private static void addScaled(FloatVector scale, FloatVector sum, float[] y, int to) {
        scale.fma(sum, FloatVector.fromArray(FLOATS, y, to)).intoArray(y, to);
    }

    /// A panel's sums, in an array from `from` on, scaled and added to `y` from `yAt` on.
    private static void addScaled(MemorySegment w, long at, float[] sums, int from, float[] y, int yAt) {
        for (int quarter = 0; quarter < 4; quarter++) {
            int j = quarter * COUNT;
            addScaled(scale(w, at, quarter), FloatVector.fromArray(FLOATS, sums, from + j), y, yAt + j);
        }
    }
}
