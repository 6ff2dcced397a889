package org.openlora.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.openlora.kernels.LoraPairTiles.Group;

/// [LoraLayout#PAIRS] by [LoraPairTiles]: inputs and what they shrink to are rounded to bf16, sums are f32. Rows go
/// through the tiles eight at a time; inputs are gathered into a block of memory first, so that an adapter's rows may
/// stand anywhere.
final class PairLoops extends LoraLoops {
    private static final int LINE_BYTES = 64;
    private static final int ROWS = LoraPairTiles.ROWS;

    private final LoraPairTiles tiles = LoraPairTiles.ofProcess();
    private final Worker[] workers;
    private MemorySegment shrunk = MemorySegment.NULL; // per piece [entries][rank rounded up to whole groups] bf16

    PairLoops(int threads) {
        workers = new Worker[threads];
        Arrays.setAll(workers, _ -> new Worker());
    }

    @Override
    void reserve(int shrunkSize) {
        long bytes = (long) shrunkSize * Bf16.BYTES;
        if (shrunk.byteSize() < bytes) {
            shrunk = Arena.ofAuto().allocate(Math.max(bytes, 2 * shrunk.byteSize()), LINE_BYTES);
        }
    }

    @Override
    void shrink(int piece, int from, int to, int thread) {
        LoraModule module = plan().module(piece);
        Worker worker = workers[thread];
        int pairs = Shapes.roundUp(module.inputs(), 2) / 2;
        for (int e = plan().first(piece); e < plan().end(piece); e += ROWS) {
            int rows = Math.min(ROWS, plan().end(piece) - e);
            int stride = worker.reserve(module.inputs());
            for (int i = 0; i < rows; i++) {
                worker.load(tiles, x(), row(e + i) * module.inputs(), module.inputs(), (long) i * stride);
            }
            int padded = Shapes.roundUp(module.rank(), LoraModule.PAIR_GROUP);
            for (int r = from; r < to; ) {
                Group group = group(module, r, to);
                tiles.shrink(
                        group,
                        rows,
                        module.weights().address() + module.aElementBytes(r, 0),
                        module.aGroupBytes(),
                        worker.inputs.address(),
                        stride,
                        pairs,
                        shrunk.address() + ((long) plan().shrunkAt(piece, e) + r) * Bf16.BYTES,
                        (long) padded * Bf16.BYTES);
                r += group == Group.TWO ? 2 * LoraModule.PAIR_GROUP : LoraModule.PAIR_GROUP;
            }
        }
    }

    private static Group group(LoraModule module, int from, int to) {
        if (module.groupRanks(from) < LoraModule.PAIR_GROUP) {
            return Group.HALF;
        }
        int next = from + LoraModule.PAIR_GROUP;
        return next < to && module.groupRanks(next) == LoraModule.PAIR_GROUP ? Group.TWO : Group.WHOLE;
    }

    @Override
    void expand(int piece, int first, int end, int from, int to, int thread) {
        LoraModule module = plan().module(piece);
        Worker worker = workers[thread];
        int whole = (to - from) / LoraModule.PAIR_PANEL;
        int padded = Shapes.roundUp(module.rank(), LoraModule.PAIR_GROUP);
        for (int e = first; e < end; e += ROWS) {
            int rows = Math.min(ROWS, end - e);
            long h = shrunk.address() + (long) plan().shrunkAt(piece, e) * Bf16.BYTES;
            for (int i = 0; i < rows; i++) {
                worker.place(i, outputAt(module, e + i, from), factor(module, e + i));
            }
            if (whole > 0) {
                expand(module, from, whole, rows, h, padded, worker, MemorySegment.ofArray(y()));
            }
            int rest = from + whole * LoraModule.PAIR_PANEL;
            if (rest < to) {
                expandRest(module, e, rest, to - rest, rows, h, padded, worker);
            }
        }
    }

    @Override
    void addColumn(LoraModule module, int column, float factor, float[] y, int yAt) {
        int padded = Shapes.roundUp(module.rank(), LoraModule.PAIR_GROUP);
        reserve(padded);
        shrunk.asSlice(0, (long) padded * Bf16.BYTES).fill((byte) 0);
        for (int r = 0; r < module.rank(); r++) {
            short a = module.weights().get(LoraModule.BF16, module.aElementBytes(r, column));
            shrunk.set(LoraModule.BF16, (long) r * Bf16.BYTES, a);
        }
        Worker worker = workers[0];
        int whole = module.outputs() / LoraModule.PAIR_PANEL;
        if (whole > 0) {
            worker.place(0, yAt, factor);
            expand(module, 0, whole, 1, shrunk.address(), padded, worker, MemorySegment.ofArray(y));
        }
        int rest = whole * LoraModule.PAIR_PANEL;
        if (rest < module.outputs()) {
            System.arraycopy(y, yAt + rest, worker.rest, 0, module.outputs() - rest);
            worker.place(0, 0, factor);
            expand(module, rest, 1, 1, shrunk.address(), padded, worker, MemorySegment.ofArray(worker.rest));
            System.arraycopy(worker.rest, 0, y, yAt + rest, module.outputs() - rest);
        }
    }

    private void expand(
            LoraModule module, int from, int panels, int rows, long h, int padded, Worker worker, MemorySegment y) {
        tiles.expand(
                rows,
                module.weights().address() + module.bElementBytes(0, from),
                h,
                (long) padded * Bf16.BYTES,
                Shapes.roundUp(module.rank(), 2) / 2,
                y,
                worker.places,
                worker.factors,
                panels);
    }

    /// A last panel that is not full: the tile would write beyond the module's outputs.
    private void expandRest(
            LoraModule module, int e, int from, int count, int rows, long h, int padded, Worker worker) {
        for (int i = 0; i < rows; i++) {
            int at = i * LoraModule.PAIR_PANEL;
            System.arraycopy(y(), outputAt(module, e + i, from), worker.rest, at, count);
            worker.place(i, at, factor(module, e + i));
        }
        expand(module, from, 1, rows, h, padded, worker, MemorySegment.ofArray(worker.rest));
        for (int i = 0; i < rows; i++) {
            System.arraycopy(worker.rest, i * LoraModule.PAIR_PANEL, y(), outputAt(module, e + i, from), count);
        }
    }

    /// One thread's working memory.
    private static final class Worker {
        final Arena arena = Arena.ofAuto();
        final MemorySegment places = arena.allocate(ValueLayout.JAVA_LONG, ROWS);
        final MemorySegment factors = arena.allocate(ValueLayout.JAVA_FLOAT, ROWS);
        final float[] rest = new float[ROWS * LoraModule.PAIR_PANEL];
        MemorySegment inputs = MemorySegment.NULL; // rows of bf16, each on cache lines of its own

        /// Makes room for a block of rows.
        ///
        /// @return bytes from one row to the next
        int reserve(int inputs) {
            // A line more than needed: rows a power of two apart would fall into few sets of a cache.
            int stride = Shapes.roundUp(inputs * Bf16.BYTES, LINE_BYTES) + LINE_BYTES;
            if (this.inputs.byteSize() < (long) ROWS * stride) {
                this.inputs = Arena.ofAuto().allocate((long) ROWS * stride, LINE_BYTES);
            }
            return stride;
        }

        /// Rounds a row; the number behind an odd last one is a zero.
        void load(LoraPairTiles tiles, float[] x, int at, int count, long byteAt) {
            int vectors = count / LoraPairTiles.ROUND_INPUTS;
            if (vectors > 0) {
                tiles.round(MemorySegment.ofArray(x), (long) at * Float.BYTES, vectors, inputs.address() + byteAt);
            }
            int done = vectors * LoraPairTiles.ROUND_INPUTS;
            if (done < count) {
                Bf16.fromFloats(x, at + done, count - done, inputs, byteAt + (long) done * Bf16.BYTES);
            }
            if (count % 2 != 0) {
                inputs.set(LoraModule.BF16, byteAt + (long) count * Bf16.BYTES, (short) 0);
            }
        }

        void place(int row, int floatAt, float factor) {
            places.setAtIndex(ValueLayout.JAVA_LONG, row, (long) floatAt * Float.BYTES);
            factors.setAtIndex(ValueLayout.JAVA_FLOAT, row, factor);
        }
    }
}
