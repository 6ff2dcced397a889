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
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/// The inner loops of the low-rank products, over the paired rank rows of [LoraModule]: one load gives the
/// weights of two vectors.
///
/// *Shrink* multiplies rows of `x` with rank rows of A: lane `l` of an accumulator adds the inputs `l, l + L, …`
/// in ascending order; the lanes are added as [Lanes#sum] does, then the inputs beyond the last whole turn one by
/// one.
/// *Expand* adds rank rows of B in ascending order, one chain for each output; [#add] adds the result times a
/// factor to `y`.
///
/// Tiles of one row wait for memory, so what counts is that they read it in one ascending stream and with few
/// instructions for each cache line: the more lines fit into the processor's window, the more are under way.
/// Tiles of four rows share each widened weight. All add in the same order.
final class LoraTiles {
    /// Rows of the tiles for many rows.
    static final int ROWS = 4;
    /// Outputs that [#expandRow] works on, all of one panel.
    static final int EXPAND_OUTPUTS = Math.min(8 * COUNT, LoraModule.PANEL);
    /// Outputs that [#expandRows] works on, all of one panel.
    static final int EXPAND_ROWS_OUTPUTS = (COUNT >= 16 ? 4 : 2) * COUNT;
    /// Floats of scratch memory that a tile needs: 16 vectors.
    static final int LANES = 16 * COUNT;

    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
    private static final long VECTOR_BYTES = (long) COUNT * Integer.BYTES; // a rank row's turn in A
    /// Bytes of A per input of a group's turns.
    private static final long TURN_STRIDE = LoraModule.TURN_BYTES / LoraModule.TURN;
    private static final long PANEL_BYTES = LoraModule.PANEL * (long) Bf16.BYTES;

    private static final VectorShuffle<Float> SWAP_HALVES = swap(COUNT / 2);
    private static final VectorShuffle<Float> SWAP_QUARTERS = swap(COUNT / 4);
    private static final VectorShuffle<Float> SWAP_EIGHTHS = swap(COUNT / 8);
    private static final VectorShuffle<Float> SWAP_SIXTEENTHS = swap(COUNT / 16);
    private static final VectorMask<Float> UPPER_HALF = upper(COUNT / 2);
    private static final VectorMask<Float> UPPER_QUARTERS = upper(COUNT / 4);
    private static final int[] SUM_OF = {0, COUNT / 2, COUNT / 4, COUNT / 2 + COUNT / 4};

    private LoraTiles() {}

    /// `h[hAt + r] = Σₖ x[xAt + k] · a[r][k]` for the rank rows `r` of the group at byte `at` of `a`.
    ///
    /// @param sums [#LANES] floats, overwritten
    static void shrinkRow(MemorySegment a, long at, int inputs, float[] x, int xAt, float[] h, int hAt, float[] sums) {
        int whole = inputs / LoraModule.TURN * LoraModule.TURN;
        shrink1x4(a, at, whole, x, xAt, sums);
        sumLanes(sums, 0);
        for (int r = 0; r < LoraModule.RANK_GROUP; r++) {
            h[hAt + r] = sums[SUM_OF[r]];
        }
        if (whole < inputs) {
            addRest(h, hAt, a, at, whole, inputs, x, xAt);
        }
    }

    /// The same for four rows of `x`, whose `h` stand `hStride` floats apart.
    static void shrinkRows(
            MemorySegment a,
            long at,
            int inputs,
            float[] x,
            int x0,
            int x1,
            int x2,
            int x3,
            float[] h,
            int hAt,
            int hStride,
            float[] sums) {
        int whole = inputs / LoraModule.TURN * LoraModule.TURN;
        for (int r = 0; r < LoraModule.RANK_GROUP; r += 2) {
            shrink4x2(a, at + r * VECTOR_BYTES, whole, x, x0, x1, x2, x3, sums);
            sumLanes(sums, 0);
            sumLanes(sums, 4 * COUNT);
            for (int i = 0; i < ROWS; i++) {
                h[hAt + i * hStride + r] = sums[SUM_OF[i]];
                h[hAt + i * hStride + r + 1] = sums[4 * COUNT + SUM_OF[i]];
            }
        }
        if (whole < inputs) {
            addRest(h, hAt, a, at, whole, inputs, x, x0);
            addRest(h, hAt + hStride, a, at, whole, inputs, x, x1);
            addRest(h, hAt + 2 * hStride, a, at, whole, inputs, x, x2);
            addRest(h, hAt + 3 * hStride, a, at, whole, inputs, x, x3);
        }
    }

    private static void shrink1x4(MemorySegment a, long at, int whole, float[] x, int xAt, float[] sums) {
        FloatVector sum0 = FloatVector.zero(FLOATS);
        FloatVector sum1 = FloatVector.zero(FLOATS);
        FloatVector sum2 = FloatVector.zero(FLOATS);
        FloatVector sum3 = FloatVector.zero(FLOATS);
        for (int k = 0; k < whole; k += LoraModule.TURN) {
            FloatVector first = FloatVector.fromArray(FLOATS, x, xAt + k);
            FloatVector second = FloatVector.fromArray(FLOATS, x, xAt + k + COUNT);
            long turn = at + k * TURN_STRIDE;
            IntVector pairs = load(a, turn);
            sum0 = second.fma(highHalves(pairs), first.fma(lowHalves(pairs), sum0));
            pairs = load(a, turn + VECTOR_BYTES);
            sum1 = second.fma(highHalves(pairs), first.fma(lowHalves(pairs), sum1));
            pairs = load(a, turn + 2 * VECTOR_BYTES);
            sum2 = second.fma(highHalves(pairs), first.fma(lowHalves(pairs), sum2));
            pairs = load(a, turn + 3 * VECTOR_BYTES);
            sum3 = second.fma(highHalves(pairs), first.fma(lowHalves(pairs), sum3));
        }
        sum0.intoArray(sums, 0);
        sum1.intoArray(sums, COUNT);
        sum2.intoArray(sums, 2 * COUNT);
        sum3.intoArray(sums, 3 * COUNT);
    }

    private static void shrink4x2(
            MemorySegment a, long at, int whole, float[] x, int x0, int x1, int x2, int x3, float[] sums) {
        FloatVector sum00 = FloatVector.zero(FLOATS);
        FloatVector sum01 = FloatVector.zero(FLOATS);
        FloatVector sum10 = FloatVector.zero(FLOATS);
        FloatVector sum11 = FloatVector.zero(FLOATS);
        FloatVector sum20 = FloatVector.zero(FLOATS);
        FloatVector sum21 = FloatVector.zero(FLOATS);
        FloatVector sum30 = FloatVector.zero(FLOATS);
        FloatVector sum31 = FloatVector.zero(FLOATS);
        for (int k = 0; k < whole; k += LoraModule.TURN) {
            long turn = at + k * TURN_STRIDE;
            IntVector pairs = load(a, turn);
            FloatVector low0 = lowHalves(pairs);
            FloatVector high0 = highHalves(pairs);
            pairs = load(a, turn + VECTOR_BYTES);
            FloatVector low1 = lowHalves(pairs);
            FloatVector high1 = highHalves(pairs);
            FloatVector input = FloatVector.fromArray(FLOATS, x, x0 + k);
            sum00 = input.fma(low0, sum00);
            sum01 = input.fma(low1, sum01);
            input = FloatVector.fromArray(FLOATS, x, x0 + k + COUNT);
            sum00 = input.fma(high0, sum00);
            sum01 = input.fma(high1, sum01);
            input = FloatVector.fromArray(FLOATS, x, x1 + k);
            sum10 = input.fma(low0, sum10);
            sum11 = input.fma(low1, sum11);
            input = FloatVector.fromArray(FLOATS, x, x1 + k + COUNT);
            sum10 = input.fma(high0, sum10);
            sum11 = input.fma(high1, sum11);
            input = FloatVector.fromArray(FLOATS, x, x2 + k);
            sum20 = input.fma(low0, sum20);
            sum21 = input.fma(low1, sum21);
            input = FloatVector.fromArray(FLOATS, x, x2 + k + COUNT);
            sum20 = input.fma(high0, sum20);
            sum21 = input.fma(high1, sum21);
            input = FloatVector.fromArray(FLOATS, x, x3 + k);
            sum30 = input.fma(low0, sum30);
            sum31 = input.fma(low1, sum31);
            input = FloatVector.fromArray(FLOATS, x, x3 + k + COUNT);
            sum30 = input.fma(high0, sum30);
            sum31 = input.fma(high1, sum31);
        }
        sum00.intoArray(sums, 0);
        sum01.intoArray(sums, 4 * COUNT);
        sum10.intoArray(sums, COUNT);
        sum11.intoArray(sums, 5 * COUNT);
        sum20.intoArray(sums, 2 * COUNT);
        sum21.intoArray(sums, 6 * COUNT);
        sum30.intoArray(sums, 3 * COUNT);
        sum31.intoArray(sums, 7 * COUNT);
    }

    /// `sums[j] = Σᵣ h[hAt + r] · b[r][j]` for [#EXPAND_OUTPUTS] outputs `j` of a panel, the first of them at byte
    /// `at` of `b`.
    ///
    /// @param sums [#LANES] floats, overwritten
    static void expandRow(MemorySegment b, long at, int rank, float[] h, int hAt, float[] sums) {
        if (EXPAND_OUTPUTS == 4 * COUNT) {
            expand1x4(b, at, rank, h, hAt, sums);
        } else {
            expand1x8(b, at, rank, h, hAt, sums);
        }
    }

    /// The same for [#EXPAND_ROWS_OUTPUTS] outputs of four rows, whose `h` stand `hStride` floats apart:
    /// `sums[i · EXPAND_ROWS_OUTPUTS + j]` is that of row `i`.
    static void expandRows(MemorySegment b, long at, int rank, float[] h, int hAt, int hStride, float[] sums) {
        if (EXPAND_ROWS_OUTPUTS == 4 * COUNT) {
            expand4x4(b, at, rank, h, hAt, hStride, sums);
        } else {
            expand4x2(b, at, rank, h, hAt, hStride, sums);
        }
    }

    private static void expand1x4(MemorySegment b, long at, int rank, float[] h, int hAt, float[] sums) {
        FloatVector sum0 = FloatVector.zero(FLOATS);
        FloatVector sum1 = FloatVector.zero(FLOATS);
        FloatVector sum2 = FloatVector.zero(FLOATS);
        FloatVector sum3 = FloatVector.zero(FLOATS);
        for (int r = 0; r < rank; r++) {
            FloatVector input = FloatVector.broadcast(FLOATS, h[hAt + r]);
            long row = at + r * PANEL_BYTES;
            IntVector pairs = load(b, row);
            sum0 = input.fma(lowHalves(pairs), sum0);
            sum1 = input.fma(highHalves(pairs), sum1);
            pairs = load(b, row + VECTOR_BYTES);
            sum2 = input.fma(lowHalves(pairs), sum2);
            sum3 = input.fma(highHalves(pairs), sum3);
        }
        sum0.intoArray(sums, 0);
        sum1.intoArray(sums, COUNT);
        sum2.intoArray(sums, 2 * COUNT);
        sum3.intoArray(sums, 3 * COUNT);
    }

    private static void expand1x8(MemorySegment b, long at, int rank, float[] h, int hAt, float[] sums) {
        FloatVector sum0 = FloatVector.zero(FLOATS);
        FloatVector sum1 = FloatVector.zero(FLOATS);
        FloatVector sum2 = FloatVector.zero(FLOATS);
        FloatVector sum3 = FloatVector.zero(FLOATS);
        FloatVector sum4 = FloatVector.zero(FLOATS);
        FloatVector sum5 = FloatVector.zero(FLOATS);
        FloatVector sum6 = FloatVector.zero(FLOATS);
        FloatVector sum7 = FloatVector.zero(FLOATS);
        for (int r = 0; r < rank; r++) {
            FloatVector input = FloatVector.broadcast(FLOATS, h[hAt + r]);
            long row = at + r * PANEL_BYTES;
            IntVector pairs = load(b, row);
            sum0 = input.fma(lowHalves(pairs), sum0);
            sum1 = input.fma(highHalves(pairs), sum1);
            pairs = load(b, row + VECTOR_BYTES);
            sum2 = input.fma(lowHalves(pairs), sum2);
            sum3 = input.fma(highHalves(pairs), sum3);
            pairs = load(b, row + 2 * VECTOR_BYTES);
            sum4 = input.fma(lowHalves(pairs), sum4);
            sum5 = input.fma(highHalves(pairs), sum5);
            pairs = load(b, row + 3 * VECTOR_BYTES);
            sum6 = input.fma(lowHalves(pairs), sum6);
            sum7 = input.fma(highHalves(pairs), sum7);
        }
        sum0.intoArray(sums, 0);
        sum1.intoArray(sums, COUNT);
        sum2.intoArray(sums, 2 * COUNT);
        sum3.intoArray(sums, 3 * COUNT);
        sum4.intoArray(sums, 4 * COUNT);
        sum5.intoArray(sums, 5 * COUNT);
        sum6.intoArray(sums, 6 * COUNT);
        sum7.intoArray(sums, 7 * COUNT);
    }

    private static void expand4x4(MemorySegment b, long at, int rank, float[] h, int h0, int hStride, float[] sums) {
        int h1 = h0 + hStride;
        int h2 = h1 + hStride;
        int h3 = h2 + hStride;
        FloatVector sum00 = FloatVector.zero(FLOATS);
        FloatVector sum01 = FloatVector.zero(FLOATS);
        FloatVector sum02 = FloatVector.zero(FLOATS);
        FloatVector sum03 = FloatVector.zero(FLOATS);
        FloatVector sum10 = FloatVector.zero(FLOATS);
        FloatVector sum11 = FloatVector.zero(FLOATS);
        FloatVector sum12 = FloatVector.zero(FLOATS);
        FloatVector sum13 = FloatVector.zero(FLOATS);
        FloatVector sum20 = FloatVector.zero(FLOATS);
        FloatVector sum21 = FloatVector.zero(FLOATS);
        FloatVector sum22 = FloatVector.zero(FLOATS);
        FloatVector sum23 = FloatVector.zero(FLOATS);
        FloatVector sum30 = FloatVector.zero(FLOATS);
        FloatVector sum31 = FloatVector.zero(FLOATS);
        FloatVector sum32 = FloatVector.zero(FLOATS);
        FloatVector sum33 = FloatVector.zero(FLOATS);
        for (int r = 0; r < rank; r++) {
            FloatVector input0 = FloatVector.broadcast(FLOATS, h[h0 + r]);
            FloatVector input1 = FloatVector.broadcast(FLOATS, h[h1 + r]);
            FloatVector input2 = FloatVector.broadcast(FLOATS, h[h2 + r]);
            FloatVector input3 = FloatVector.broadcast(FLOATS, h[h3 + r]);
            long row = at + r * PANEL_BYTES;
            IntVector pairs = load(b, row);
            FloatVector low = lowHalves(pairs);
            FloatVector high = highHalves(pairs);
            sum00 = input0.fma(low, sum00);
            sum01 = input0.fma(high, sum01);
            sum10 = input1.fma(low, sum10);
            sum11 = input1.fma(high, sum11);
            sum20 = input2.fma(low, sum20);
            sum21 = input2.fma(high, sum21);
            sum30 = input3.fma(low, sum30);
            sum31 = input3.fma(high, sum31);
            pairs = load(b, row + VECTOR_BYTES);
            low = lowHalves(pairs);
            high = highHalves(pairs);
            sum02 = input0.fma(low, sum02);
            sum03 = input0.fma(high, sum03);
            sum12 = input1.fma(low, sum12);
            sum13 = input1.fma(high, sum13);
            sum22 = input2.fma(low, sum22);
            sum23 = input2.fma(high, sum23);
            sum32 = input3.fma(low, sum32);
            sum33 = input3.fma(high, sum33);
        }
        sum00.intoArray(sums, 0);
        sum01.intoArray(sums, COUNT);
        sum02.intoArray(sums, 2 * COUNT);
        sum03.intoArray(sums, 3 * COUNT);
        sum10.intoArray(sums, 4 * COUNT);
        sum11.intoArray(sums, 5 * COUNT);
        sum12.intoArray(sums, 6 * COUNT);
        sum13.intoArray(sums, 7 * COUNT);
        sum20.intoArray(sums, 8 * COUNT);
        sum21.intoArray(sums, 9 * COUNT);
        sum22.intoArray(sums, 10 * COUNT);
        sum23.intoArray(sums, 11 * COUNT);
        sum30.intoArray(sums, 12 * COUNT);
        sum31.intoArray(sums, 13 * COUNT);
        sum32.intoArray(sums, 14 * COUNT);
        sum33.intoArray(sums, 15 * COUNT);
    }

    private static void expand4x2(MemorySegment b, long at, int rank, float[] h, int h0, int hStride, float[] sums) {
        int h1 = h0 + hStride;
        int h2 = h1 + hStride;
        int h3 = h2 + hStride;
        FloatVector sum00 = FloatVector.zero(FLOATS);
        FloatVector sum01 = FloatVector.zero(FLOATS);
        FloatVector sum10 = FloatVector.zero(FLOATS);
        FloatVector sum11 = FloatVector.zero(FLOATS);
        FloatVector sum20 = FloatVector.zero(FLOATS);
        FloatVector sum21 = FloatVector.zero(FLOATS);
        FloatVector sum30 = FloatVector.zero(FLOATS);
        FloatVector sum31 = FloatVector.zero(FLOATS);
        for (int r = 0; r < rank; r++) {
            FloatVector input0 = FloatVector.broadcast(FLOATS, h[h0 + r]);
            FloatVector input1 = FloatVector.broadcast(FLOATS, h[h1 + r]);
            FloatVector input2 = FloatVector.broadcast(FLOATS, h[h2 + r]);
            FloatVector input3 = FloatVector.broadcast(FLOATS, h[h3 + r]);
            long row = at + r * PANEL_BYTES;
            IntVector pairs = load(b, row);
            FloatVector low = lowHalves(pairs);
            FloatVector high = highHalves(pairs);
            sum00 = input0.fma(low, sum00);
            sum01 = input0.fma(high, sum01);
            sum10 = input1.fma(low, sum10);
            sum11 = input1.fma(high, sum11);
            sum20 = input2.fma(low, sum20);
            sum21 = input2.fma(high, sum21);
            sum30 = input3.fma(low, sum30);
            sum31 = input3.fma(high, sum31);
        }
        sum00.intoArray(sums, 0);
        sum01.intoArray(sums, COUNT);
        sum10.intoArray(sums, 2 * COUNT);
        sum11.intoArray(sums, 3 * COUNT);
        sum20.intoArray(sums, 4 * COUNT);
        sum21.intoArray(sums, 5 * COUNT);
        sum30.intoArray(sums, 6 * COUNT);
        sum31.intoArray(sums, 7 * COUNT);
    }

    /// `y[yAt + j] += factor · sums[at + j]` for `j < outputs`, at most [#EXPAND_OUTPUTS]. Apart from the tiles: with
    /// it the largest would pass C2's inlining budget, which boxes its vectors.
    static void add(float[] sums, int at, int outputs, float factor, float[] y, int yAt) {
        int j = 0;
        // In steps of two and four vectors, because a loop around single ones costs more than they do.
        if (j + 4 * COUNT <= outputs) {
            addTwo(sums, at, factor, y, yAt);
            addTwo(sums, at + 2 * COUNT, factor, y, yAt + 2 * COUNT);
            j += 4 * COUNT;
        }
        for (; j + 2 * COUNT <= outputs; j += 2 * COUNT) {
            addTwo(sums, at + j, factor, y, yAt + j);
        }
        for (; j + COUNT <= outputs; j += COUNT) {
            addOne(sums, at + j, factor, y, yAt + j);
        }
        for (; j < outputs; j++) {
            y[yAt + j] = Math.fma(sums[at + j], factor, y[yAt + j]);
        }
    }

    private static void addTwo(float[] sums, int at, float factor, float[] y, int yAt) {
        addOne(sums, at, factor, y, yAt);
        addOne(sums, at + COUNT, factor, y, yAt + COUNT);
    }

    private static void addOne(float[] sums, int at, float factor, float[] y, int yAt) {
        FloatVector.fromArray(FLOATS, sums, at)
                .fma(FloatVector.broadcast(FLOATS, factor), FloatVector.fromArray(FLOATS, y, yAt))
                .intoArray(y, yAt);
    }

    /// Adds the lanes of each of four vectors, in the order of [Lanes#sum]; the sum of vector `i` is left at
    /// `at + SUM_OF[i]`.
    private static void sumLanes(float[] sums, int at) {
        FloatVector first = FloatVector.fromArray(FLOATS, sums, at);
        FloatVector second = FloatVector.fromArray(FLOATS, sums, at + COUNT);
        FloatVector third = FloatVector.fromArray(FLOATS, sums, at + 2 * COUNT);
        FloatVector fourth = FloatVector.fromArray(FLOATS, sums, at + 3 * COUNT);
        // A half of the lanes for each of two vectors, then a quarter for each of four.
        first = halve(first, SWAP_HALVES).blend(halve(second, SWAP_HALVES), UPPER_HALF);
        third = halve(third, SWAP_HALVES).blend(halve(fourth, SWAP_HALVES), UPPER_HALF);
        FloatVector all = halve(first, SWAP_QUARTERS).blend(halve(third, SWAP_QUARTERS), UPPER_QUARTERS);
        if (COUNT >= 8) {
            all = halve(all, SWAP_EIGHTHS);
        }
        if (COUNT >= 16) {
            all = halve(all, SWAP_SIXTEENTHS);
        }
        all.intoArray(sums, at);
    }

    private static FloatVector halve(FloatVector lanes, VectorShuffle<Float> swap) {
        return lanes.add(lanes.rearrange(swap));
    }

    /// Adds the inputs from `whole` on to the sums of a group's rank rows.
    private static void addRest(
            float[] h, int hAt, MemorySegment a, long at, int whole, int inputs, float[] x, int xAt) {
        for (int r = 0; r < LoraModule.RANK_GROUP; r++) {
            for (int k = whole; k < inputs; k++) {
                long element = at + whole * TURN_STRIDE + r * VECTOR_BYTES + LoraModule.pairedBytes(k - whole);
                float weight = Bf16.toFloat(a.get(LoraModule.BF16, element));
                h[hAt + r] = Math.fma(x[xAt + k], weight, h[hAt + r]);
            }
        }
    }

    private static IntVector load(MemorySegment rows, long at) {
        return IntVector.fromMemorySegment(INTS, rows, at, ORDER);
    }

    private static VectorShuffle<Float> swap(int distance) {
        return VectorShuffle.fromOp(FLOATS, lane -> lane ^ distance);
    }

    private static VectorMask<Float> upper(int distance) {
        boolean[] lanes = new boolean[COUNT];
        for (int i = 0; i < COUNT; i++) {
            lanes[i] = (i & distance) != 0;
        }
        return VectorMask.fromArray(FLOATS, lanes, 0);
    }
}
