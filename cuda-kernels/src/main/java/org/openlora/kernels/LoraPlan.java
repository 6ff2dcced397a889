package org.openlora.kernels;

import java.util.Arrays;
import java.util.List;

/// What one application of a [LoraBatch] at one point has to do, cut into units for the threads: the one place
/// that decides how the work is split. Built anew for each application into arrays that are kept.
///
/// A *piece* is a module with up to [#PIECE_ENTRIES] entries of its segment, so that their rows stay in the
/// second-level cache; pieces stand in the order of the segments. *Shrink* units are a piece and some of its rank
/// rows. *Expand* units are a piece and a range of its outputs, or, where a row has several adapters, a range of
/// rows with all pieces in order, so that two threads never add to the same output.
///
/// None of this touches the order of addition within an output.
final class LoraPlan {
    /// Entries of a piece.
    static final int PIECE_ENTRIES = 32;
    /// Piece of a unit that goes through all pieces.
    static final int ALL_PIECES = -1;

    /// Groups of rank rows of a shrink unit.
    private static final int SHRINK_GROUPS = 2;
    /// Bytes of B of an expand unit of few rows: enough to stream, little enough to share out evenly.
    private static final int UNIT_BYTES = 16 * 1024;
    private static final int CHUNKS_PER_THREAD = 4;
    /// Rows whose arithmetic takes about as long as reading the weights.
    private static final int ROWS_FOR_READING = 4;

    private LoraModule[] modules = new LoraModule[16];
    private int[] firsts = new int[16];
    private int[] ends = new int[16];
    private int[] shrunkAt = new int[16];
    private int pieces;
    private int shrunkSize;
    private long macs;

    private final LoraUnits shrinks = new LoraUnits();
    private final LoraUnits expands = new LoraUnits();

    /// Plans one application.
    ///
    /// @throws IllegalArgumentException if a module does not fit the point
    void build(LoraBatch batch, LoraLayout layout, int layer, LoraPoint point, int inputs, int outputs, int threads) {
        clear();
        for (int s = 0; s < batch.segments(); s++) {
            int end = batch.segmentStarts()[s + 1];
            int first = batch.segmentStarts()[s];
            List<LoraModule> ofSlot = first == end ? List.of() : batch.slots()[s].modules(layer, point);
            for (int m = 0; m < ofSlot.size(); m++) {
                checkModule(ofSlot.get(m), layout, layer, point, inputs, outputs);
            }
            for (int from = first; from < end; from += PIECE_ENTRIES) {
                for (int m = 0; m < ofSlot.size(); m++) {
                    addPiece(ofSlot.get(m), from, Math.min(from + PIECE_ENTRIES, end), batch.rowsDistinct());
                }
            }
        }
        if (!batch.rowsDistinct() && pieces > 0) {
            addRowRanges(batch.lastRow() + 1, threads);
        }
        int chunks = threads == 1 ? 1 : threads * CHUNKS_PER_THREAD;
        shrinks.cut(chunks);
        expands.cut(chunks);
    }

    int pieces() {
        return pieces;
    }

    /// Multiply-adds of all pieces.
    long macs() {
        return macs;
    }

    /// Numbers that the results of all shrinks are.
    int shrunkSize() {
        return shrunkSize;
    }

    LoraModule module(int piece) {
        return modules[piece];
    }

    int first(int piece) {
        return firsts[piece];
    }

    int end(int piece) {
        return ends[piece];
    }

    /// Where the shrunk row of an entry of a piece begins.
    int shrunkAt(int piece, int entry) {
        return shrunkAt[piece] + (entry - firsts[piece]) * paddedRank(modules[piece]);
    }

    /// Units `(piece, rank rows)`.
    LoraUnits shrinks() {
        return shrinks;
    }

    /// Units `(piece, outputs)` or `(all pieces, rows)`.
    LoraUnits expands() {
        return expands;
    }

    private void clear() {
        pieces = 0;
        shrunkSize = 0;
        macs = 0;
        shrinks.clear();
        expands.clear();
    }

    private static void checkModule(
            LoraModule module, LoraLayout layout, int layer, LoraPoint point, int inputs, int outputs) {
        if (module.layout() != layout) {
            throw new IllegalArgumentException("LoRA module of layer " + layer + " " + point + " is laid out in "
                    + module.layout() + ", this kernel reads " + layout);
        }
        if (module.inputs() != inputs || (long) module.outputOffset() + module.outputs() > outputs) {
            throw new IllegalArgumentException("LoRA module [" + module.outputs() + " from " + module.outputOffset()
                    + ", " + module.inputs() + "] does not fit layer " + layer + " " + point + " [" + outputs + ", "
                    + inputs + "]");
        }
    }

    private void addPiece(LoraModule module, int first, int end, boolean rowsDistinct) {
        int piece = append(module, first, end);
        long weight = Math.max(end - first, ROWS_FOR_READING);
        int unitRanks = SHRINK_GROUPS * module.rankGroup();
        for (int rank = 0; rank < module.rank(); rank += unitRanks) {
            int ranks = Math.min(unitRanks, module.rank() - rank);
            shrinks.add(piece, rank, rank + ranks, weight * ranks * module.inputs());
        }
        if (rowsDistinct) {
            int step = (int) Math.max(UNIT_BYTES / module.bPanelBytes(), 1) * module.panelOutputs();
            for (int output = 0; output < module.outputs(); output += step) {
                int endOutput = Math.min(output + step, module.outputs());
                expands.add(piece, output, endOutput, weight * module.rank() * (endOutput - output));
            }
        }
    }

    private int append(LoraModule module, int first, int end) {
        if (pieces == modules.length) {
            modules = Arrays.copyOf(modules, 2 * pieces);
            firsts = Arrays.copyOf(firsts, 2 * pieces);
            ends = Arrays.copyOf(ends, 2 * pieces);
            shrunkAt = Arrays.copyOf(shrunkAt, 2 * pieces);
        }
        modules[pieces] = module;
        firsts[pieces] = first;
        ends[pieces] = end;
        shrunkAt[pieces] = shrunkSize;
        shrunkSize = Math.addExact(shrunkSize, Math.multiplyExact(end - first, paddedRank(module)));
        macs += (long) (end - first) * module.rank() * (module.inputs() + module.outputs());
        return pieces++;
    }

    private void addRowRanges(int rows, int threads) {
        int ranges = Math.min(rows, threads * CHUNKS_PER_THREAD);
        for (int range = 0; range < ranges; range++) {
            int from = (int) ((long) rows * range / ranges);
            int to = (int) ((long) rows * (range + 1) / ranges);
            expands.add(ALL_PIECES, from, to, to - from);
        }
    }

    private static int paddedRank(LoraModule module) {
        return Shapes.roundUp(module.rank(), module.rankGroup());
    }
}
