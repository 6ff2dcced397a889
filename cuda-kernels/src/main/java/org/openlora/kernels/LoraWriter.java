package org.openlora.kernels;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/// Writes the matrices of a [LoraModule] into its memory, padding included.
///
/// Numbers come out of their source a run at a time, each as the upper half of an int, and are paired from
/// there; a group of rows of A or a panel of B at a time, which stays in a cache. Plain loops on purpose: with
/// the Vector API this is twice as fast once compiled, but takes half a second for the first adapter of a
/// process instead of a twentieth, and reading and digesting an adapter takes longer than either.
final class LoraWriter {
    private static final ValueLayout.OfInt PAIR = JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int UPPER_HALF = 0xffff0000;
    /// Ints of one rank row of a panel of B.
    private static final int PANEL_INTS = LoraModule.PANEL / 2;

    private final LoraModule module;

    LoraWriter(LoraModule module) {
        this.module = module;
    }

    /// Numbers of a matrix in row-major order.
    interface Source {
        /// Gives `count` numbers from `at` on, each rounded to bf16 in the upper half of an int; the lower half
        /// means nothing.
        void read(long at, int count, int[] into);
    }

    static Source of(float[] values) {
        return (at, count, into) -> {
            int from = Math.toIntExact(at);
            for (int i = 0; i < count; i++) {
                into[i] = rounded(Float.floatToRawIntBits(values[from + i]));
            }
        };
    }

    static Source of(MemorySegment bf16) {
        return (at, count, into) -> {
            long from = at * Bf16.BYTES;
            for (int i = 0; i < count; i++) {
                into[i] = bf16.get(LoraModule.BF16, from + (long) i * Bf16.BYTES) << 16;
            }
        };
    }

    /// [Bf16#fromFloat], without a branch.
    private static int rounded(int bits) {
        int nan = (0x7f80_0000 - (bits & 0x7fff_ffff)) >> 31;
        int nearest = bits + 0x7fff + ((bits >>> 16) & 1);
        return (nearest & ~nan) | ((bits | 0x0040_0000) & nan);
    }

    /// Lays out `[rank, inputs]`.
    void writeA(Source a) {
        switch (module.layout()) {
            case RANK_ROWS -> writeRankRowsOfA(a);
            case PAIRS -> writePairsOfA(a);
        }
    }

    /// Lays out `[outputs, rank]`, transposed.
    void writeB(Source b) {
        switch (module.layout()) {
            case RANK_ROWS -> writeRankRowsOfB(b);
            case PAIRS -> writePairsOfB(b);
        }
    }

    private void writePairsOfA(Source a) {
        int rank = module.rank();
        int[] row = new int[Shapes.roundUp(module.inputs(), 2)];
        int[] group = new int[LoraModule.PAIR_GROUP * row.length / 2];
        for (int first = 0; first < rank; first += LoraModule.PAIR_GROUP) {
            int ranks = module.groupRanks(first);
            Arrays.fill(group, 0);
            for (int r = 0; r < Math.min(ranks, rank - first); r++) {
                a.read((long) (first + r) * module.inputs(), module.inputs(), row);
                for (int i = 0; i < row.length; i += 2) {
                    group[i / 2 * ranks + r] = (row[i] >>> 16) | (row[i + 1] & UPPER_HALF);
                }
            }
            int ints = ranks * row.length / 2;
            MemorySegment.copy(group, 0, module.weights(), PAIR, module.aElementBytes(first, 0), ints);
        }
    }

    private void writePairsOfB(Source b) {
        int rank = module.rank();
        int pairs = Shapes.roundUp(rank, 2) / 2;
        int[] rows = new int[LoraModule.PAIR_PANEL * rank];
        int[] panel = new int[LoraModule.PAIR_PANEL * pairs];
        for (int first = 0; first < module.outputs(); first += LoraModule.PAIR_PANEL) {
            int outputs = Math.min(LoraModule.PAIR_PANEL, module.outputs() - first);
            b.read((long) first * rank, outputs * rank, rows);
            Arrays.fill(rows, outputs * rank, rows.length, 0);
            for (int r = 0; r < rank; r += 2) {
                for (int i = 0; i < LoraModule.PAIR_PANEL; i++) {
                    int high = r + 1 < rank ? rows[i * rank + r + 1] & UPPER_HALF : 0;
                    panel[r / 2 * LoraModule.PAIR_PANEL + i] = (rows[i * rank + r] >>> 16) | high;
                }
            }
            MemorySegment.copy(panel, 0, module.weights(), PAIR, module.bElementBytes(0, first), panel.length);
        }
    }

    private void writeRankRowsOfA(Source a) {
        int rank = module.rank();
        int[] row = new int[Shapes.roundUp(module.inputs(), LoraModule.TURN)];
        int[] group = new int[LoraModule.RANK_GROUP * row.length / 2];
        for (int first = 0; first < rank; first += LoraModule.RANK_GROUP) {
            int rows = Math.min(LoraModule.RANK_GROUP, rank - first);
            if (rows < LoraModule.RANK_GROUP) {
                Arrays.fill(group, 0);
            }
            for (int r = 0; r < rows; r++) {
                a.read((long) (first + r) * module.inputs(), module.inputs(), row);
                for (int i = 0; i < row.length; i += LoraModule.TURN) {
                    int to = (i / LoraModule.TURN * LoraModule.RANK_GROUP + r) * Lanes.COUNT;
                    for (int lane = 0; lane < Lanes.COUNT; lane++) {
                        group[to + lane] = (row[i + lane] >>> 16) | (row[i + Lanes.COUNT + lane] & UPPER_HALF);
                    }
                }
            }
            MemorySegment.copy(group, 0, module.weights(), PAIR, module.aElementBytes(first, 0), group.length);
        }
    }

    private void writeRankRowsOfB(Source b) {
        int rank = module.rank();
        int[] rows = new int[LoraModule.PANEL * rank];
        int[] panel = new int[PANEL_INTS * rank];
        for (int first = 0; first < module.outputs(); first += LoraModule.PANEL) {
            int outputs = Math.min(LoraModule.PANEL, module.outputs() - first);
            b.read((long) first * rank, outputs * rank, rows);
            Arrays.fill(rows, outputs * rank, rows.length, 0);
            for (int r = 0; r < rank; r++) {
                for (int i = 0; i < PANEL_INTS; i++) {
                    // Int i of a rank row pairs two outputs of the same turn.
                    int low = (i / Lanes.COUNT * LoraModule.TURN + i % Lanes.COUNT) * rank + r;
                    int high = low + Lanes.COUNT * rank;
                    panel[r * PANEL_INTS + i] = (rows[low] >>> 16) | (rows[high] & UPPER_HALF);
                }
            }
            MemorySegment.copy(panel, 0, module.weights(), PAIR, module.bElementBytes(0, first), panel.length);
        }
    }
}
