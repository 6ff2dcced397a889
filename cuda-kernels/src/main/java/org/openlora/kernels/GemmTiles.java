package org.openlora.kernels;

import static org.openlora.kernels.Lanes.COUNT;
import static org.openlora.kernels.Lanes.FLOATS;
import static org.openlora.kernels.Lanes.INTS;
import static org.openlora.kernels.Lanes.PANEL;
import static org.openlora.kernels.Lanes.highHalves;
import static org.openlora.kernels.Lanes.lowHalves;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/// The inner loops of the dense layers: a tile of rows of `x`, interleaved as [RowTiles] describes, times panels of
/// bf16 weights as [PanelMatrix] describes.
///
/// **Formula.** For each row `r` of the tile, panel `q` and output `j` of it:
/// `y[r][q·2L + j] += Σₖ x[k][r] · w[q][k][j]`, one fused multiply-add per `k` in ascending order. That order is the
/// same in every tile, and storing a sum between two calls is exact, so neither the tile nor the cutting of `k` into
/// calls changes a bit.
///
/// **Shape.** Two FMA pipes of latency 4 want 8 accumulators at least. AVX2 has 16 registers and takes no more: 4
/// rows × 1 panel or 2 × 2. One row waits for memory and makes do with 1 × 2. Vectors of 512 bits come with 32
/// registers, so there a tile of 8 rows × 1 panel or 4 × 2 has 16 accumulators and reads each weight half as often.
/// The loops are not unrolled by hand: a body past C2's inlining budget boxes its vectors and runs thirty times
/// slower.
///
/// Operands: `w` panels from byte `at` on, `panelBytes` apart; `x` from `xAt` on, `[depth][4]` for the first four
/// rows, then `[depth][rows left]`; the sums to go on from in `from`, rows `fromStride` apart; `y` rows from `yAt`
/// on, `yStride` apart, the only operand written.
final class GemmTiles {
    /// Where first sums begin: choosing between zero and `y` in a loop's method would merge vectors over a branch.
    private static final float[] ZEROS = new float[2 * PANEL];

    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

    private GemmTiles() {}

    /// A tile of `rows` rows, one of [RowTiles#height], times `panels` neighbouring panels.
    ///
    /// @param first whether the sums begin at zero; else they go on from `y`
    static void multiply(
            MemorySegment w,
            long at,
            long panelBytes,
            int panels,
            int depth,
            float[] x,
            int xAt,
            int rows,
            boolean first,
            float[] y,
            int yAt,
            int yStride) {
        float[] from = first ? ZEROS : y;
        int fromStride = first ? 0 : yStride;
        int q = 0;
        while (q < panels) {
            long wq = at + q * panelBytes;
            int yq = yAt + q * PANEL;
            int fq = first ? 0 : yq;
            int left = panels - q;
            switch (rows) {
                case 8 -> rows8(w, wq, depth, x, xAt, from, fq, fromStride, y, yq, yStride);
                case 6 -> rows6(w, wq, depth, x, xAt, from, fq, fromStride, y, yq, yStride);
                case 4 -> {
                    if (left > 1 && RowTiles.HIGHEST > 4) {
                        rows4panels2(w, wq, panelBytes, depth, x, xAt, from, fq, fromStride, y, yq, yStride);
                        q++;
                    } else {
                        rows4(w, wq, depth, x, xAt, from, fq, fromStride, y, yq, yStride);
                    }
                }
                case 3 -> rows3(w, wq, depth, x, xAt, from, fq, fromStride, y, yq, yStride);
                case 2 -> {
                    if (left > 1) {
                        rows2panels2(w, wq, panelBytes, depth, x, xAt, from, fq, fromStride, y, yq, yStride);
                        q++;
                    } else {
                        rows2(w, wq, depth, x, xAt, from, fq, fromStride, y, yq, yStride);
                    }
                }
                case 1 -> {
                    if (left > 1) {
                        row1panels2(w, wq, panelBytes, depth, x, xAt, from, fq, y, yq);
                        q++;
                    } else {
                        row1(w, wq, depth, x, xAt, from, fq, y, yq);
                    }
                }
                default -> throw new IllegalArgumentException("no tile has " + rows + " rows");
            }
            q++;
        }
    }

    private static void rows8(
            MemorySegment w,
            long at,
            int depth,
            float[] x,
            int xAt,
            float[] from,
            int fromAt,
            int fromStride,
            float[] y,
            int yAt,
            int yStride) {
        FloatVector low0 = FloatVector.fromArray(FLOATS, from, fromAt);
        FloatVector high0 = FloatVector.fromArray(FLOATS, from, fromAt + COUNT);
        FloatVector low1 = FloatVector.fromArray(FLOATS, from, fromAt + fromStride);
        FloatVector high1 = FloatVector.fromArray(FLOATS, from, fromAt + fromStride + COUNT);
        FloatVector low2 = FloatVector.fromArray(FLOATS, from, fromAt + 2 * fromStride);
        FloatVector high2 = FloatVector.fromArray(FLOATS, from, fromAt + 2 * fromStride + COUNT);
        FloatVector low3 = FloatVector.fromArray(FLOATS, from, fromAt + 3 * fromStride);
        FloatVector high3 = FloatVector.fromArray(FLOATS, from, fromAt + 3 * fromStride + COUNT);
        FloatVector low4 = FloatVector.fromArray(FLOATS, from, fromAt + 4 * fromStride);
        FloatVector high4 = FloatVector.fromArray(FLOATS, from, fromAt + 4 * fromStride + COUNT);
        FloatVector low5 = FloatVector.fromArray(FLOATS, from, fromAt + 5 * fromStride);
        FloatVector high5 = FloatVector.fromArray(FLOATS, from, fromAt + 5 * fromStride + COUNT);
        FloatVector low6 = FloatVector.fromArray(FLOATS, from, fromAt + 6 * fromStride);
        FloatVector high6 = FloatVector.fromArray(FLOATS, from, fromAt + 6 * fromStride + COUNT);
        FloatVector low7 = FloatVector.fromArray(FLOATS, from, fromAt + 7 * fromStride);
        FloatVector high7 = FloatVector.fromArray(FLOATS, from, fromAt + 7 * fromStride + COUNT);
        int second = xAt + 4 * depth;
        for (int k = 0; k < depth; k++) {
            long step = (long) k * PanelMatrix.STEP_BYTES;
            IntVector pairs = IntVector.fromMemorySegment(INTS, w, at + step, ORDER);
            FloatVector low = lowHalves(pairs);
            FloatVector high = highHalves(pairs);
            int inputs = xAt + k * 4;
            FloatVector input = FloatVector.broadcast(FLOATS, x[inputs]);
            low0 = input.fma(low, low0);
            high0 = input.fma(high, high0);
            input = FloatVector.broadcast(FLOATS, x[inputs + 1]);
            low1 = input.fma(low, low1);
            high1 = input.fma(high, high1);
            input = FloatVector.broadcast(FLOATS, x[inputs + 2]);
            low2 = input.fma(low, low2);
            high2 = input.fma(high, high2);
            input = FloatVector.broadcast(FLOATS, x[inputs + 3]);
            low3 = input.fma(low, low3);
            high3 = input.fma(high, high3);
            inputs = second + k * 4;
            input = FloatVector.broadcast(FLOATS, x[inputs]);
            low4 = input.fma(low, low4);
            high4 = input.fma(high, high4);
            input = FloatVector.broadcast(FLOATS, x[inputs + 1]);
            low5 = input.fma(low, low5);
            high5 = input.fma(high, high5);
            input = FloatVector.broadcast(FLOATS, x[inputs + 2]);
            low6 = input.fma(low, low6);
            high6 = input.fma(high, high6);
            input = FloatVector.broadcast(FLOATS, x[inputs + 3]);
            low7 = input.fma(low, low7);
            high7 = input.fma(high, high7);
        }
        low0.intoArray(y, yAt);
        high0.intoArray(y, yAt + COUNT);
        low1.intoArray(y, yAt + yStride);
        high1.intoArray(y, yAt + yStride + COUNT);
        low2.intoArray(y, yAt + 2 * yStride);
        high2.intoArray(y, yAt + 2 * yStride + COUNT);
        low3.intoArray(y, yAt + 3 * yStride);
        high3.intoArray(y, yAt + 3 * yStride + COUNT);
        low4.intoArray(y, yAt + 4 * yStride);
        high4.intoArray(y, yAt + 4 * yStride + COUNT);
        low5.intoArray(y, yAt + 5 * yStride);
        high5.intoArray(y, yAt + 5 * yStride + COUNT);
        low6.intoArray(y, yAt + 6 * yStride);
        high6.intoArray(y, yAt + 6 * yStride + COUNT);
        low7.intoArray(y, yAt + 7 * yStride);
        high7.intoArray(y, yAt + 7 * yStride + COUNT);
    }

    private static void rows6(
            MemorySegment w,
            long at,
            int depth,
            float[] x,
            int xAt,
            float[] from,
            int fromAt,
            int fromStride,
            float[] y,
            int yAt,
            int yStride) {
        FloatVector low0 = FloatVector.fromArray(FLOATS, from, fromAt);
        FloatVector high0 = FloatVector.fromArray(FLOATS, from, fromAt + COUNT);
        FloatVector low1 = FloatVector.fromArray(FLOATS, from, fromAt + fromStride);
        FloatVector high1 = FloatVector.fromArray(FLOATS, from, fromAt + fromStride + COUNT);
        FloatVector low2 = FloatVector.fromArray(FLOATS, from, fromAt + 2 * fromStride);
        FloatVector high2 = FloatVector.fromArray(FLOATS, from, fromAt + 2 * fromStride + COUNT);
        FloatVector low3 = FloatVector.fromArray(FLOATS, from, fromAt + 3 * fromStride);
        FloatVector high3 = FloatVector.fromArray(FLOATS, from, fromAt + 3 * fromStride + COUNT);
        FloatVector low4 = FloatVector.fromArray(FLOATS, from, fromAt + 4 * fromStride);
        FloatVector high4 = FloatVector.fromArray(FLOATS, from, fromAt + 4 * fromStride + COUNT);
        FloatVector low5 = FloatVector.fromArray(FLOATS, from, fromAt + 5 * fromStride);
        FloatVector high5 = FloatVector.fromArray(FLOATS, from, fromAt + 5 * fromStride + COUNT);
        int second = xAt + 4 * depth;
        for (int k = 0; k < depth; k++) {
            long step = (long) k * PanelMatrix.STEP_BYTES;
            IntVector pairs = IntVector.fromMemorySegment(INTS, w, at + step, ORDER);
            FloatVector low = lowHalves(pairs);
            FloatVector high = highHalves(pairs);
            int inputs = xAt + k * 4;
            FloatVector input = FloatVector.broadcast(FLOATS, x[inputs]);
            low0 = input.fma(low, low0);
            high0 = input.fma(high, high0);
            input = FloatVector.broadcast(FLOATS, x[inputs + 1]);
            low1 = input.fma(low, low1);
            high1 = input.fma(high, high1);
            input = FloatVector.broadcast(FLOATS, x[inputs + 2]);
            low2 = input.fma(low, low2);
            high2 = input.fma(high, high2);
            input = FloatVector.broadcast(FLOATS, x[inputs + 3]);
            low3 = input.fma(low, low3);
            high3 = input.fma(high, high3);
            inputs = second + k * 2;
            input = FloatVector.broadcast(FLOATS, x[inputs]);
            low4 = input.fma(low, low4);
            high4 = input.fma(high, high4);
            input = FloatVector.broadcast(FLOATS, x[inputs + 1]);
            low5 = input.fma(low, low5);
            high5 = input.fma(high, high5);
        }
        low0.intoArray(y, yAt);
        high0.intoArray(y, yAt + COUNT);
        low1.intoArray(y, yAt + yStride);
        high1.intoArray(y, yAt + yStride + COUNT);
        low2.intoArray(y, yAt + 2 * yStride);
        high2.intoArray(y, yAt + 2 * yStride + COUNT);
        low3.intoArray(y, yAt + 3 * yStride);
        high3.intoArray(y, yAt + 3 * yStride + COUNT);
        low4.intoArray(y, yAt + 4 * yStride);
        high4.intoArray(y, yAt + 4 * yStride + COUNT);
        low5.intoArray(y, yAt + 5 * yStride);
        high5.intoArray(y, yAt + 5 * yStride + COUNT);
    }

    private static void rows4panels2(
            MemorySegment w,
            long at,
            long panelBytes,
            int depth,
            float[] x,
            int xAt,
            float[] from,
            int fromAt,
            int fromStride,
            float[] y,
            int yAt,
            int yStride) {
        FloatVector low0a = FloatVector.fromArray(FLOATS, from, fromAt);
        FloatVector high0a = FloatVector.fromArray(FLOATS, from, fromAt + COUNT);
        FloatVector low0b = FloatVector.fromArray(FLOATS, from, fromAt + 2 * COUNT);
        FloatVector high0b = FloatVector.fromArray(FLOATS, from, fromAt + 3 * COUNT);
        FloatVector low1a = FloatVector.fromArray(FLOATS, from, fromAt + fromStride);
        FloatVector high1a = FloatVector.fromArray(FLOATS, from, fromAt + fromStride + COUNT);
        FloatVector low1b = FloatVector.fromArray(FLOATS, from, fromAt + fromStride + 2 * COUNT);
        FloatVector high1b = FloatVector.fromArray(FLOATS, from, fromAt + fromStride + 3 * COUNT);
        FloatVector low2a = FloatVector.fromArray(FLOATS, from, fromAt + 2 * fromStride);
        FloatVector high2a = FloatVector.fromArray(FLOATS, from, fromAt + 2 * fromStride + COUNT);
        FloatVector low2b = FloatVector.fromArray(FLOATS, from, fromAt + 2 * fromStride + 2 * COUNT);
        FloatVector high2b = FloatVector.fromArray(FLOATS, from, fromAt + 2 * fromStride + 3 * COUNT);
        FloatVector low3a = FloatVector.fromArray(FLOATS, from, fromAt + 3 * fromStride);
        FloatVector high3a = FloatVector.fromArray(FLOATS, from, fromAt + 3 * fromStride + COUNT);
        FloatVector low3b = FloatVector.fromArray(FLOATS, from, fromAt + 3 * fromStride + 2 * COUNT);
        FloatVector high3b = FloatVector.fromArray(FLOATS, from, fromAt + 3 * fromStride + 3 * COUNT);
        long at1 = at + panelBytes;
        for (int k = 0; k < depth; k++) {
            long step = (long) k * PanelMatrix.STEP_BYTES;
            IntVector pairs = IntVector.fromMemorySegment(INTS, w, at + step, ORDER);
            FloatVector lowA = lowHalves(pairs);
            FloatVector highA = highHalves(pairs);
            pairs = IntVector.fromMemorySegment(INTS, w, at1 + step, ORDER);
            FloatVector lowB = lowHalves(pairs);
            FloatVector highB = highHalves(pairs);
            int inputs = xAt + k * 4;
            FloatVector input = FloatVector.broadcast(FLOATS, x[inputs]);
            low0a = input.fma(lowA, low0a);
            high0a = input.fma(highA, high0a);
            low0b = input.fma(lowB, low0b);
            high0b = input.fma(highB, high0b);
            input = FloatVector.broadcast(FLOATS, x[inputs + 1]);
            low1a = input.fma(lowA, low1a);
            high1a = input.fma(highA, high1a);
            low1b = input.fma(lowB, low1b);
            high1b = input.fma(highB, high1b);
            input = FloatVector.broadcast(FLOATS, x[inputs + 2]);
            low2a = input.fma(lowA, low2a);
            high2a = input.fma(highA, high2a);
            low2b = input.fma(lowB, low2b);
            high2b = input.fma(highB, high2b);
            input = FloatVector.broadcast(FLOATS, x[inputs + 3]);
            low3a = input.fma(lowA, low3a);
            high3a = input.fma(highA, high3a);
            low3b = input.fma(lowB, low3b);
            high3b = input.fma(highB, high3b);
        }
        low0a.intoArray(y, yAt);
        high0a.intoArray(y, yAt + COUNT);
        low0b.intoArray(y, yAt + 2 * COUNT);
        high0b.intoArray(y, yAt + 3 * COUNT);
        low1a.intoArray(y, yAt + yStride);
        high1a.intoArray(y, yAt + yStride + COUNT);
        low1b.intoArray(y, yAt + yStride + 2 * COUNT);
        high1b.intoArray(y, yAt + yStride + 3 * COUNT);
        low2a.intoArray(y, yAt + 2 * yStride);
        high2a.intoArray(y, yAt + 2 * yStride + COUNT);
        low2b.intoArray(y, yAt + 2 * yStride + 2 * COUNT);
        high2b.intoArray(y, yAt + 2 * yStride + 3 * COUNT);
        low3a.intoArray(y, yAt + 3 * yStride);
        high3a.intoArray(y, yAt + 3 * yStride + COUNT);
        low3b.intoArray(y, yAt + 3 * yStride + 2 * COUNT);
        high3b.intoArray(y, yAt + 3 * yStride + 3 * COUNT);
    }

    private static void rows4(
            MemorySegment w,
            long at,
            int depth,
            float[] x,
            int xAt,
            float[] from,
            int fromAt,
            int fromStride,
            float[] y,
            int yAt,
            int yStride) {
        FloatVector low0 = FloatVector.fromArray(FLOATS, from, fromAt);
        FloatVector high0 = FloatVector.fromArray(FLOATS, from, fromAt + COUNT);
        FloatVector low1 = FloatVector.fromArray(FLOATS, from, fromAt + fromStride);
        FloatVector high1 = FloatVector.fromArray(FLOATS, from, fromAt + fromStride + COUNT);
        FloatVector low2 = FloatVector.fromArray(FLOATS, from, fromAt + 2 * fromStride);
        FloatVector high2 = FloatVector.fromArray(FLOATS, from, fromAt + 2 * fromStride + COUNT);
        FloatVector low3 = FloatVector.fromArray(FLOATS, from, fromAt + 3 * fromStride);
        FloatVector high3 = FloatVector.fromArray(FLOATS, from, fromAt + 3 * fromStride + COUNT);
        for (int k = 0; k < depth; k++) {
            long step = (long) k * PanelMatrix.STEP_BYTES;
            IntVector pairs = IntVector.fromMemorySegment(INTS, w, at + step, ORDER);
            FloatVector low = lowHalves(pairs);
            FloatVector high = highHalves(pairs);
            int inputs = xAt + k * 4;
            FloatVector input = FloatVector.broadcast(FLOATS, x[inputs]);
            low0 = input.fma(low, low0);
            high0 = input.fma(high, high0);
            input = FloatVector.broadcast(FLOATS, x[inputs + 1]);
            low1 = input.fma(low, low1);
            high1 = input.fma(high, high1);
            input = FloatVector.broadcast(FLOATS, x[inputs + 2]);
            low2 = input.fma(low, low2);
            high2 = input.fma(high, high2);
            input = FloatVector.broadcast(FLOATS, x[inputs + 3]);
            low3 = input.fma(low, low3);
            high3 = input.fma(high, high3);
        }
        low0.intoArray(y, yAt);
        high0.intoArray(y, yAt + COUNT);
        low1.intoArray(y, yAt + yStride);
        high1.intoArray(y, yAt + yStride + COUNT);
        low2.intoArray(y, yAt + 2 * yStride);
        high2.intoArray(y, yAt + 2 * yStride + COUNT);
        low3.intoArray(y, yAt + 3 * yStride);
        high3.intoArray(y, yAt + 3 * yStride + COUNT);
    }

    private static void rows3(
            MemorySegment w,
            long at,
            int depth,
            float[] x,
            int xAt,
            float[] from,
            int fromAt,
            int fromStride,
            float[] y,
            int yAt,
            int yStride) {
        FloatVector low0 = FloatVector.fromArray(FLOATS, from, fromAt);
        FloatVector high0 = FloatVector.fromArray(FLOATS, from, fromAt + COUNT);
        FloatVector low1 = FloatVector.fromArray(FLOATS, from, fromAt + fromStride);
        FloatVector high1 = FloatVector.fromArray(FLOATS, from, fromAt + fromStride + COUNT);
        FloatVector low2 = FloatVector.fromArray(FLOATS, from, fromAt + 2 * fromStride);
        FloatVector high2 = FloatVector.fromArray(FLOATS, from, fromAt + 2 * fromStride + COUNT);
        for (int k = 0; k < depth; k++) {
            long step = (long) k * PanelMatrix.STEP_BYTES;
            IntVector pairs = IntVector.fromMemorySegment(INTS, w, at + step, ORDER);
            FloatVector low = lowHalves(pairs);
            FloatVector high = highHalves(pairs);
            int inputs = xAt + k * 3;
            FloatVector input = FloatVector.broadcast(FLOATS, x[inputs]);
            low0 = input.fma(low, low0);
            high0 = input.fma(high, high0);
            input = FloatVector.broadcast(FLOATS, x[inputs + 1]);
            low1 = input.fma(low, low1);
            high1 = input.fma(high, high1);
            input = FloatVector.broadcast(FLOATS, x[inputs + 2]);
            low2 = input.fma(low, low2);
            high2 = input.fma(high, high2);
        }
        low0.intoArray(y, yAt);
        high0.intoArray(y, yAt + COUNT);
        low1.intoArray(y, yAt + yStride);
        high1.intoArray(y, yAt + yStride + COUNT);
        low2.intoArray(y, yAt + 2 * yStride);
        high2.intoArray(y, yAt + 2 * yStride + COUNT);
    }

    private static void rows2panels2(
            MemorySegment w,
            long at,
            long panelBytes,
            int depth,
            float[] x,
            int xAt,
            float[] from,
            int fromAt,
            int fromStride,
            float[] y,
            int yAt,
            int yStride) {
        FloatVector low0a = FloatVector.fromArray(FLOATS, from, fromAt);
        FloatVector high0a = FloatVector.fromArray(FLOATS, from, fromAt + COUNT);
        FloatVector low0b = FloatVector.fromArray(FLOATS, from, fromAt + 2 * COUNT);
        FloatVector high0b = FloatVector.fromArray(FLOATS, from, fromAt + 3 * COUNT);
        FloatVector low1a = FloatVector.fromArray(FLOATS, from, fromAt + fromStride);
        FloatVector high1a = FloatVector.fromArray(FLOATS, from, fromAt + fromStride + COUNT);
        FloatVector low1b = FloatVector.fromArray(FLOATS, from, fromAt + fromStride + 2 * COUNT);
        FloatVector high1b = FloatVector.fromArray(FLOATS, from, fromAt + fromStride + 3 * COUNT);
        long at1 = at + panelBytes;
        for (int k = 0; k < depth; k++) {
            long step = (long) k * PanelMatrix.STEP_BYTES;
            IntVector pairs = IntVector.fromMemorySegment(INTS, w, at + step, ORDER);
            FloatVector lowA = lowHalves(pairs);
            FloatVector highA = highHalves(pairs);
            pairs = IntVector.fromMemorySegment(INTS, w, at1 + step, ORDER);
            FloatVector lowB = lowHalves(pairs);
            FloatVector highB = highHalves(pairs);
            int inputs = xAt + k * 2;
            FloatVector input = FloatVector.broadcast(FLOATS, x[inputs]);
            low0a = input.fma(lowA, low0a);
            high0a = input.fma(highA, high0a);
            low0b = input.fma(lowB, low0b);
            high0b = input.fma(highB, high0b);
            input = FloatVector.broadcast(FLOATS, x[inputs + 1]);
            low1a = input.fma(lowA, low1a);
            high1a = input.fma(highA, high1a);
            low1b = input.fma(lowB, low1b);
            high1b = input.fma(highB, high1b);
        }
        low0a.intoArray(y, yAt);
        high0a.intoArray(y, yAt + COUNT);
        low0b.intoArray(y, yAt + 2 * COUNT);
        high0b.intoArray(y, yAt + 3 * COUNT);
        low1a.intoArray(y, yAt + yStride);
        high1a.intoArray(y, yAt + yStride + COUNT);
        low1b.intoArray(y, yAt + yStride + 2 * COUNT);
        high1b.intoArray(y, yAt + yStride + 3 * COUNT);
    }

    private static void rows2(
            MemorySegment w,
            long at,
            int depth,
            float[] x,
            int xAt,
            float[] from,
            int fromAt,
            int fromStride,
            float[] y,
            int yAt,
            int yStride) {
        FloatVector low0 = FloatVector.fromArray(FLOATS, from, fromAt);
        FloatVector high0 = FloatVector.fromArray(FLOATS, from, fromAt + COUNT);
        FloatVector low1 = FloatVector.fromArray(FLOATS, from, fromAt + fromStride);
        FloatVector high1 = FloatVector.fromArray(FLOATS, from, fromAt + fromStride + COUNT);
        for (int k = 0; k < depth; k++) {
            long step = (long) k * PanelMatrix.STEP_BYTES;
            IntVector pairs = IntVector.fromMemorySegment(INTS, w, at + step, ORDER);
            FloatVector low = lowHalves(pairs);
            FloatVector high = highHalves(pairs);
            int inputs = xAt + k * 2;
            FloatVector input = FloatVector.broadcast(FLOATS, x[inputs]);
            low0 = input.fma(low, low0);
            high0 = input.fma(high, high0);
            input = FloatVector.broadcast(FLOATS, x[inputs + 1]);
            low1 = input.fma(low, low1);
            high1 = input.fma(high, high1);
        }
        low0.intoArray(y, yAt);
        high0.intoArray(y, yAt + COUNT);
        low1.intoArray(y, yAt + yStride);
        high1.intoArray(y, yAt + yStride + COUNT);
    }

    private static void row1panels2(
            MemorySegment w,
            long at,
            long panelBytes,
            int depth,
            float[] x,
            int xAt,
            float[] from,
            int fromAt,
            float[] y,
            int yAt) {
        FloatVector low0 = FloatVector.fromArray(FLOATS, from, fromAt);
        FloatVector high0 = FloatVector.fromArray(FLOATS, from, fromAt + COUNT);
        FloatVector low1 = FloatVector.fromArray(FLOATS, from, fromAt + 2 * COUNT);
        FloatVector high1 = FloatVector.fromArray(FLOATS, from, fromAt + 3 * COUNT);
        long at1 = at + panelBytes;
        for (int k = 0; k < depth; k++) {
            long step = (long) k * PanelMatrix.STEP_BYTES;
            FloatVector input = FloatVector.broadcast(FLOATS, x[xAt + k]);
            IntVector pairs = IntVector.fromMemorySegment(INTS, w, at + step, ORDER);
            low0 = input.fma(lowHalves(pairs), low0);
            high0 = input.fma(highHalves(pairs), high0);
            pairs = IntVector.fromMemorySegment(INTS, w, at1 + step, ORDER);
            low1 = input.fma(lowHalves(pairs), low1);
            high1 = input.fma(highHalves(pairs), high1);
        }
        low0.intoArray(y, yAt);
        high0.intoArray(y, yAt + COUNT);
        low1.intoArray(y, yAt + 2 * COUNT);
        high1.intoArray(y, yAt + 3 * COUNT);
    }

    private static void row1(
            MemorySegment w, long at, int depth, float[] x, int xAt, float[] from, int fromAt, float[] y, int yAt) {
        FloatVector low = FloatVector.fromArray(FLOATS, from, fromAt);
        FloatVector high = FloatVector.fromArray(FLOATS, from, fromAt + COUNT);
        for (int k = 0; k < depth; k++) {
            long step = (long) k * PanelMatrix.STEP_BYTES;
            FloatVector input = FloatVector.broadcast(FLOATS, x[xAt + k]);
            IntVector pairs = IntVector.fromMemorySegment(INTS, w, at + step, ORDER);
            low = input.fma(lowHalves(pairs), low);
            high = input.fma(highHalves(pairs), high);
        }
        low.intoArray(y, yAt);
        high.intoArray(y, yAt + COUNT);
    }
}
