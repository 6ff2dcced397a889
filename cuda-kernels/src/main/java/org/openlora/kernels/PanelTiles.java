package org.openlora.kernels;

import static org.openlora.kernels.Lanes.COUNT;
import static org.openlora.kernels.Lanes.FLOATS;
import static org.openlora.kernels.Lanes.INTS;
import static org.openlora.kernels.Lanes.highHalves;
import static org.openlora.kernels.Lanes.lowHalves;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/// The inner loops of every product with bf16 panels: rows of `x` times 1, 2 or 4 panels.
///
/// **Panel.** `2L` outputs (L = float lanes) by `depth` inputs, one int vector for each input: lane `j` holds
/// output `j` in its low half and output `j + L` in its high half. A shift and a mask turn one load into two
/// float vectors.
///
/// **Formula.** For each row `r` of the tile, panel `q` and output `j` of it:
/// `y[r][q·2L + j] += Σₖ x[r][k] · w[q][k][j]`, one fused multiply-add per `k` in ascending order. That order is
/// the same in every tile, and storing the sum between two calls is exact, so neither the tile nor the cutting of
/// `k` into calls changes a bit. (Callers zero `y` first: choosing between zero and `y` in here would merge
/// vectors over a branch, which costs more.)
///
/// **Shape.** A tile has 8 accumulators, which hide the latency of FMA on two pipes: 4 rows × 1 panel, 2 rows × 2
/// panels or 1 row × 4 panels; what remains of three rows takes 6. Six rows need more than the 16 registers of
/// AVX2 and run at half speed. The loops are not unrolled by hand: a body past C2's inlining budget boxes its
/// vectors and runs thirty times slower.
///
/// Operands: `w` panels from byte `at` on, `panelBytes` apart; `x` rows from `xAt` on, `xStride` floats apart;
/// `y` rows from `yAt` on, `yStride` apart, the only operand written.
final class PanelTiles {
    /// Bytes of one input of a panel.
    static final int STEP_BYTES = COUNT * Integer.BYTES;

    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

    private PanelTiles() {}

    static void rows4(
            MemorySegment w, long at, int depth, float[] x, int xAt, int xStride, float[] y, int yAt, int yStride) {
        int x1 = xAt + xStride;
        int x2 = x1 + xStride;
        int x3 = x2 + xStride;
        int y1 = yAt + yStride;
        int y2 = y1 + yStride;
        int y3 = y2 + yStride;
        FloatVector low0 = FloatVector.fromArray(FLOATS, y, yAt);
        FloatVector high0 = FloatVector.fromArray(FLOATS, y, yAt + COUNT);
        FloatVector low1 = FloatVector.fromArray(FLOATS, y, y1);
        FloatVector high1 = FloatVector.fromArray(FLOATS, y, y1 + COUNT);
        FloatVector low2 = FloatVector.fromArray(FLOATS, y, y2);
        FloatVector high2 = FloatVector.fromArray(FLOATS, y, y2 + COUNT);
        FloatVector low3 = FloatVector.fromArray(FLOATS, y, y3);
        FloatVector high3 = FloatVector.fromArray(FLOATS, y, y3 + COUNT);
        for (int k = 0; k < depth; k++) {
            IntVector pairs = IntVector.fromMemorySegment(INTS, w, at + (long) k * STEP_BYTES, ORDER);
            FloatVector low = lowHalves(pairs);
            FloatVector high = highHalves(pairs);
            FloatVector input = FloatVector.broadcast(FLOATS, x[xAt + k]);
            low0 = input.fma(low, low0);
            high0 = input.fma(high, high0);
            input = FloatVector.broadcast(FLOATS, x[x1 + k]);
            low1 = input.fma(low, low1);
            high1 = input.fma(high, high1);
            input = FloatVector.broadcast(FLOATS, x[x2 + k]);
            low2 = input.fma(low, low2);
            high2 = input.fma(high, high2);
            input = FloatVector.broadcast(FLOATS, x[x3 + k]);
            low3 = input.fma(low, low3);
            high3 = input.fma(high, high3);
        }
        low0.intoArray(y, yAt);
        high0.intoArray(y, yAt + COUNT);
        low1.intoArray(y, y1);
        high1.intoArray(y, y1 + COUNT);
        low2.intoArray(y, y2);
        high2.intoArray(y, y2 + COUNT);
        low3.intoArray(y, y3);
        high3.intoArray(y, y3 + COUNT);
    }

    static void rows3(
            MemorySegment w, long at, int depth, float[] x, int xAt, int xStride, float[] y, int yAt, int yStride) {
        int x1 = xAt + xStride;
        int x2 = x1 + xStride;
        int y1 = yAt + yStride;
        int y2 = y1 + yStride;
        FloatVector low0 = FloatVector.fromArray(FLOATS, y, yAt);
        FloatVector high0 = FloatVector.fromArray(FLOATS, y, yAt + COUNT);
        FloatVector low1 = FloatVector.fromArray(FLOATS, y, y1);
        FloatVector high1 = FloatVector.fromArray(FLOATS, y, y1 + COUNT);
        FloatVector low2 = FloatVector.fromArray(FLOATS, y, y2);
        FloatVector high2 = FloatVector.fromArray(FLOATS, y, y2 + COUNT);
        for (int k = 0; k < depth; k++) {
            IntVector pairs = IntVector.fromMemorySegment(INTS, w, at + (long) k * STEP_BYTES, ORDER);
            FloatVector low = lowHalves(pairs);
            FloatVector high = highHalves(pairs);
            FloatVector input = FloatVector.broadcast(FLOATS, x[xAt + k]);
            low0 = input.fma(low, low0);
            high0 = input.fma(high, high0);
            input = FloatVector.broadcast(FLOATS, x[x1 + k]);
            low1 = input.fma(low, low1);
            high1 = input.fma(high, high1);
            input = FloatVector.broadcast(FLOATS, x[x2 + k]);
            low2 = input.fma(low, low2);
            high2 = input.fma(high, high2);
        }
        low0.intoArray(y, yAt);
        high0.intoArray(y, yAt + COUNT);
        low1.intoArray(y, y1);
        high1.intoArray(y, y1 + COUNT);
        low2.intoArray(y, y2);
        high2.intoArray(y, y2 + COUNT);
    }

    static void rows2(
            MemorySegment w, long at, int depth, float[] x, int xAt, int xStride, float[] y, int yAt, int yStride) {
        int x1 = xAt + xStride;
        int y1 = yAt + yStride;
        FloatVector low0 = FloatVector.fromArray(FLOATS, y, yAt);
        FloatVector high0 = FloatVector.fromArray(FLOATS, y, yAt + COUNT);
        FloatVector low1 = FloatVector.fromArray(FLOATS, y, y1);
        FloatVector high1 = FloatVector.fromArray(FLOATS, y, y1 + COUNT);
        for (int k = 0; k < depth; k++) {
            IntVector pairs = IntVector.fromMemorySegment(INTS, w, at + (long) k * STEP_BYTES, ORDER);
            FloatVector low = lowHalves(pairs);
            FloatVector high = highHalves(pairs);
            FloatVector input = FloatVector.broadcast(FLOATS, x[xAt + k]);
            low0 = input.fma(low, low0);
            high0 = input.fma(high, high0);
            input = FloatVector.broadcast(FLOATS, x[x1 + k]);
            low1 = input.fma(low, low1);
            high1 = input.fma(high, high1);
        }
        low0.intoArray(y, yAt);
        high0.intoArray(y, yAt + COUNT);
        low1.intoArray(y, y1);
        high1.intoArray(y, y1 + COUNT);
    }

    static void rows2panels2(
            MemorySegment w,
            long at,
            long panelBytes,
            int depth,
            float[] x,
            int xAt,
            int xStride,
            float[] y,
            int yAt,
            int yStride) {
        long at1 = at + panelBytes;
        int x1 = xAt + xStride;
        int y1 = yAt + yStride;
        FloatVector low00 = FloatVector.fromArray(FLOATS, y, yAt);
        FloatVector high00 = FloatVector.fromArray(FLOATS, y, yAt + COUNT);
        FloatVector low01 = FloatVector.fromArray(FLOATS, y, yAt + 2 * COUNT);
        FloatVector high01 = FloatVector.fromArray(FLOATS, y, yAt + 3 * COUNT);
        FloatVector low10 = FloatVector.fromArray(FLOATS, y, y1);
        FloatVector high10 = FloatVector.fromArray(FLOATS, y, y1 + COUNT);
        FloatVector low11 = FloatVector.fromArray(FLOATS, y, y1 + 2 * COUNT);
        FloatVector high11 = FloatVector.fromArray(FLOATS, y, y1 + 3 * COUNT);
        for (int k = 0; k < depth; k++) {
            FloatVector input0 = FloatVector.broadcast(FLOATS, x[xAt + k]);
            FloatVector input1 = FloatVector.broadcast(FLOATS, x[x1 + k]);
            IntVector pairs = IntVector.fromMemorySegment(INTS, w, at + (long) k * STEP_BYTES, ORDER);
            FloatVector low = lowHalves(pairs);
            FloatVector high = highHalves(pairs);
            low00 = input0.fma(low, low00);
            high00 = input0.fma(high, high00);
            low10 = input1.fma(low, low10);
            high10 = input1.fma(high, high10);
            pairs = IntVector.fromMemorySegment(INTS, w, at1 + (long) k * STEP_BYTES, ORDER);
            low = lowHalves(pairs);
            high = highHalves(pairs);
            low01 = input0.fma(low, low01);
            high01 = input0.fma(high, high01);
            low11 = input1.fma(low, low11);
            high11 = input1.fma(high, high11);
        }
        low00.intoArray(y, yAt);
        high00.intoArray(y, yAt + COUNT);
        low01.intoArray(y, yAt + 2 * COUNT);
        high01.intoArray(y, yAt + 3 * COUNT);
        low10.intoArray(y, y1);
        high10.intoArray(y, y1 + COUNT);
        low11.intoArray(y, y1 + 2 * COUNT);
        high11.intoArray(y, y1 + 3 * COUNT);
    }

    static void row1(MemorySegment w, long at, int depth, float[] x, int xAt, float[] y, int yAt) {
        FloatVector low0 = FloatVector.fromArray(FLOATS, y, yAt);
        FloatVector high0 = FloatVector.fromArray(FLOATS, y, yAt + COUNT);
        for (int k = 0; k < depth; k++) {
            IntVector pairs = IntVector.fromMemorySegment(INTS, w, at + (long) k * STEP_BYTES, ORDER);
            FloatVector input = FloatVector.broadcast(FLOATS, x[xAt + k]);
            low0 = input.fma(lowHalves(pairs), low0);
            high0 = input.fma(highHalves(pairs), high0);
        }
        low0.intoArray(y, yAt);
        high0.intoArray(y, yAt + COUNT);
    }

    static void row1panels4(
            MemorySegment w, long at, long panelBytes, int depth, float[] x, int xAt, float[] y, int yAt) {
        long at1 = at + panelBytes;
        long at2 = at1 + panelBytes;
        long at3 = at2 + panelBytes;
        FloatVector low0 = FloatVector.fromArray(FLOATS, y, yAt);
        FloatVector high0 = FloatVector.fromArray(FLOATS, y, yAt + COUNT);
        FloatVector low1 = FloatVector.fromArray(FLOATS, y, yAt + 2 * COUNT);
        FloatVector high1 = FloatVector.fromArray(FLOATS, y, yAt + 3 * COUNT);
        FloatVector low2 = FloatVector.fromArray(FLOATS, y, yAt + 4 * COUNT);
        FloatVector high2 = FloatVector.fromArray(FLOATS, y, yAt + 5 * COUNT);
        FloatVector low3 = FloatVector.fromArray(FLOATS, y, yAt + 6 * COUNT);
        FloatVector high3 = FloatVector.fromArray(FLOATS, y, yAt + 7 * COUNT);
        for (int k = 0; k < depth; k++) {
            long step = (long) k * STEP_BYTES;
            FloatVector input = FloatVector.broadcast(FLOATS, x[xAt + k]);
            IntVector pairs = IntVector.fromMemorySegment(INTS, w, at + step, ORDER);
            low0 = input.fma(lowHalves(pairs), low0);
            high0 = input.fma(highHalves(pairs), high0);
            pairs = IntVector.fromMemorySegment(INTS, w, at1 + step, ORDER);
            low1 = input.fma(lowHalves(pairs), low1);
            high1 = input.fma(highHalves(pairs), high1);
            pairs = IntVector.fromMemorySegment(INTS, w, at2 + step, ORDER);
            low2 = input.fma(lowHalves(pairs), low2);
            high2 = input.fma(highHalves(pairs), high2);
            pairs = IntVector.fromMemorySegment(INTS, w, at3 + step, ORDER);
            low3 = input.fma(lowHalves(pairs), low3);
            high3 = input.fma(highHalves(pairs), high3);
        }
        low0.intoArray(y, yAt);
        high0.intoArray(y, yAt + COUNT);
        low1.intoArray(y, yAt + 2 * COUNT);
        high1.intoArray(y, yAt + 3 * COUNT);
        low2.intoArray(y, yAt + 4 * COUNT);
        high2.intoArray(y, yAt + 5 * COUNT);
        low3.intoArray(y, yAt + 6 * COUNT);
        high3.intoArray(y, yAt + 7 * COUNT);
    }

    /// All `rows` rows times `panels` neighbouring panels, cut into tiles.
    static void multiply(
            MemorySegment w,
            long at,
            long panelBytes,
            int panels,
            int depth,
            float[] x,
            int xAt,
            int xStride,
            int rows,
            float[] y,
            int yAt,
            int yStride) {
        int inFours = rows & ~3;
        for (int q = 0; q < panels; q++) {
            for (int r = 0; r < inFours; r += 4) {
                int yTile = yAt + r * yStride + q * Lanes.PANEL;
                rows4(w, at + q * panelBytes, depth, x, xAt + r * xStride, xStride, y, yTile, yStride);
            }
        }
        int r = inFours;
        if (rows - r == 3) {
            for (int q = 0; q < panels; q++) {
                int yTile = yAt + r * yStride + q * Lanes.PANEL;
                rows3(w, at + q * panelBytes, depth, x, xAt + r * xStride, xStride, y, yTile, yStride);
            }
            return;
        }
        if ((rows & 2) != 0) {
            twoRows(w, at, panelBytes, panels, depth, x, xAt + r * xStride, xStride, y, yAt + r * yStride, yStride);
            r += 2;
        }
        if ((rows & 1) != 0) {
            oneRow(w, at, panelBytes, panels, depth, x, xAt + r * xStride, y, yAt + r * yStride);
        }
    }

    private static void twoRows(
            MemorySegment w,
            long at,
            long panelBytes,
            int panels,
            int depth,
            float[] x,
            int xAt,
            int xStride,
            float[] y,
            int yAt,
            int yStride) {
        int q = 0;
        for (; q + 2 <= panels; q += 2) {
            long pair = at + q * panelBytes;
            rows2panels2(w, pair, panelBytes, depth, x, xAt, xStride, y, yAt + q * Lanes.PANEL, yStride);
        }
        if (q < panels) {
            rows2(w, at + q * panelBytes, depth, x, xAt, xStride, y, yAt + q * Lanes.PANEL, yStride);
        }
    }

    private static void oneRow(
            MemorySegment w, long at, long panelBytes, int panels, int depth, float[] x, int xAt, float[] y, int yAt) {
        int q = 0;
        for (; q + 4 <= panels; q += 4) {
            row1panels4(w, at + q * panelBytes, panelBytes, depth, x, xAt, y, yAt + q * Lanes.PANEL);
        }
        for (; q < panels; q++) {
            row1(w, at + q * panelBytes, depth, x, xAt, y, yAt + q * Lanes.PANEL);
        }
    }
}
