package org.openlora.kernels;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/// Adds the low-rank updates of many adapters to the outputs of a dense layer.
///
/// For each entry `e` of the batch, of segment `s`, and each module `m` of `slots[s]` at the point:
/// `y[rows[e]][m.outputOffset + j] += scales[e] · m.scaling · Σᵣ B[j][r] · (Σₖ A[r][k] · x[rows[e]][k])`.
/// A and B are bf16 in [LoraModule]'s layout with their true ranks; x, y and all sums are f32.
///
/// **Order.** A row's updates are added to `y` in the order of the segments, which is that of adapter digests;
/// the sums run as [LoraTiles] says, in tiles of one row (few rows per adapter: BGMV) and of four (many: a grouped
/// GEMM) alike. So a row's bits depend on its own adapters and inputs alone.
///
/// **Work.** First *shrink* (`h = x · Aᵀ`), then *expand* (`y += factor · h · Bᵀ`), in units that [LoraPlan]
/// lays out. Both are one call of the pool: a thread that finds no more to shrink waits for the others' last
/// units and goes on. Rows without an adapter are not touched. Terms as in Punica,
/// <https://arxiv.org/abs/2310.18547>.
///
/// Used by one thread at a time; allocates nothing once its scratch memory has grown to the largest batch.
public final class LoraKernel {
    /// Multiply-adds below which other threads are left alone.
    private static final long MIN_PARALLEL_MACS = 30_000;
    private static final int SPINS_BEFORE_PARK = 2_000;
    private static final long PARK_NANOS = 20_000;

    private final WorkerPool pool;
    private final WorkerPool.Task takePart = this::takePart;
    private final LoraPlan plan = new LoraPlan();
    private final Worker[] workers;
    private final AtomicInteger nextShrink = new AtomicInteger();
    private final AtomicInteger nextExpand = new AtomicInteger();
    private final AtomicInteger unfinishedShrinks = new AtomicInteger();
    private float[] shrunk = {}; // per piece [entries][rank rounded up to whole groups]

    // Operands of the call in progress.
    private LoraBatch batch = LoraBatch.none();
    private float[] x = {};
    private float[] y = {};
    private int outputs;

    /// A kernel that runs on `pool`.
    public LoraKernel(WorkerPool pool) {
        this.pool = pool;
        this.workers = new Worker[pool.threads()];
        Arrays.setAll(workers, _ -> new Worker());
    }

    /// Adds the updates of `batch` at one point.
    ///
    /// @param x `[·, inputs]`, every row that an entry names
    /// @param y `[·, outputs]`, changed in the rows that entries name
    /// @param outputs width of the point's stacked outputs
    /// @throws IllegalArgumentException if a row is missing from `x` or `y`, or a module does not fit the point
    public void apply(LoraBatch batch, int layer, LoraPoint point, float[] x, int inputs, float[] y, int outputs) {
        checkRows(batch, x, inputs, y, outputs);
        plan.build(batch, layer, point, inputs, outputs, pool.threads());
        if (plan.pieces() == 0) {
            return;
        }
        if (shrunk.length < plan.shrunkFloats()) {
            shrunk = new float[Math.max(plan.shrunkFloats(), 2 * shrunk.length)];
        }
        this.batch = batch;
        this.x = x;
        this.y = y;
        this.outputs = outputs;
        nextShrink.set(0);
        nextExpand.set(0);
        unfinishedShrinks.set(plan.shrinks().chunks());
        if (pool.threads() == 1 || plan.macs() < MIN_PARALLEL_MACS) {
            takePart(0);
        } else {
            pool.run(pool.threads(), takePart);
        }
    }

    private static void checkRows(LoraBatch batch, float[] x, int inputs, float[] y, int outputs) {
        Shapes.positive("inputs", inputs);
        Shapes.positive("outputs", outputs);
        if (batch.lastRow() >= Math.min(x.length / inputs, y.length / outputs)) {
            throw new IllegalArgumentException("entry names row " + batch.lastRow() + " of x [" + x.length / inputs
                    + ", " + inputs + "] and y [" + y.length / outputs + ", " + outputs + "]");
        }
    }

    private void takePart(int id) {
        LoraUnits shrinks = plan.shrinks();
        for (int c = nextShrink.getAndIncrement(); c < shrinks.chunks(); c = nextShrink.getAndIncrement()) {
            try {
                for (int unit = shrinks.chunkStart(c); unit < shrinks.chunkEnd(c); unit++) {
                    shrink(shrinks.piece(unit), shrinks.from(unit), shrinks.to(unit), workers[id]);
                }
            } finally {
                // Counted even when it failed, or the others would wait forever; the pool rethrows.
                unfinishedShrinks.getAndDecrement();
            }
        }
        awaitShrinks();
        LoraUnits expands = plan.expands();
        for (int c = nextExpand.getAndIncrement(); c < expands.chunks(); c = nextExpand.getAndIncrement()) {
            for (int unit = expands.chunkStart(c); unit < expands.chunkEnd(c); unit++) {
                expand(expands.piece(unit), expands.from(unit), expands.to(unit), workers[id]);
            }
        }
    }

    /// What is not finished is being worked on: a thread claims a chunk only to run it at once.
    private void awaitShrinks() {
        for (int spins = 0; unfinishedShrinks.get() > 0; spins++) {
            if (spins < SPINS_BEFORE_PARK) {
                Thread.onSpinWait();
            } else {
                // The other thread has been held up for long: leave it the processor.
                LockSupport.parkNanos(this, PARK_NANOS);
            }
        }
    }

    /// Rank rows `[from, to)` for all entries of a piece.
    private void shrink(int piece, int from, int to, Worker worker) {
        LoraModule module = plan.module(piece);
        int inputs = module.inputs();
        int[] rows = batch.rows();
        long bytes = Shapes.roundUp(to - from, LoraModule.RANK_GROUP) / LoraModule.RANK_GROUP * module.aGroupBytes();
        Prefetch.ask(module.weights().address() + module.aElementBytes(from, 0), bytes);
        int e = plan.first(piece);
        for (; e + LoraTiles.ROWS <= plan.end(piece); e += LoraTiles.ROWS) {
            int hAt = plan.shrunkAt(piece, e);
            int hStride = plan.shrunkAt(piece, e + 1) - hAt;
            for (int r = from; r < to; r += LoraModule.RANK_GROUP) {
                LoraTiles.shrinkRows(
                        module.weights(),
                        module.aElementBytes(r, 0),
                        inputs,
                        x,
                        rows[e] * inputs,
                        rows[e + 1] * inputs,
                        rows[e + 2] * inputs,
                        rows[e + 3] * inputs,
                        shrunk,
                        hAt + r,
                        hStride,
                        worker.sums);
            }
        }
        for (; e < plan.end(piece); e++) {
            int hAt = plan.shrunkAt(piece, e);
            for (int r = from; r < to; r += LoraModule.RANK_GROUP) {
                long at = module.aElementBytes(r, 0);
                LoraTiles.shrinkRow(module.weights(), at, inputs, x, rows[e] * inputs, shrunk, hAt + r, worker.sums);
            }
        }
    }

    /// Outputs `[from, to)` of a piece, or all outputs of rows `[from, to)` for all pieces.
    private void expand(int piece, int from, int to, Worker worker) {
        if (piece != LoraPlan.ALL_PIECES) {
            expandEntries(piece, plan.first(piece), plan.end(piece), from, to, worker);
            return;
        }
        for (int p = 0; p < plan.pieces(); p++) {
            int outputs = plan.module(p).outputs();
            for (int e = plan.first(p); e < plan.end(p); e++) {
                if (batch.rows()[e] >= from && batch.rows()[e] < to) {
                    expandEntries(p, e, e + 1, 0, outputs, worker);
                }
            }
        }
    }

    /// Panel by panel, so that a panel is read from memory once for all entries.
    private void expandEntries(int piece, int first, int end, int from, int to, Worker worker) {
        LoraModule module = plan.module(piece);
        long bytes = Shapes.roundUp(to - from, LoraModule.PANEL) / LoraModule.PANEL * module.bPanelBytes();
        Prefetch.ask(module.weights().address() + module.bElementBytes(0, from), bytes);
        for (int j = from; j < to; j += LoraModule.PANEL) {
            int count = Math.min(LoraModule.PANEL, to - j);
            int e = first;
            for (; e + LoraTiles.ROWS <= end; e += LoraTiles.ROWS) {
                int hAt = plan.shrunkAt(piece, e);
                int hStride = plan.shrunkAt(piece, e + 1) - hAt;
                for (int i = 0; i < count; i += LoraTiles.EXPAND_ROWS_OUTPUTS) {
                    int width = Math.min(LoraTiles.EXPAND_ROWS_OUTPUTS, count - i);
                    long at = module.bElementBytes(0, j + i);
                    LoraTiles.expandRows(module.weights(), at, module.rank(), shrunk, hAt, hStride, worker.sums);
                    for (int row = 0; row < LoraTiles.ROWS; row++) {
                        int sumsAt = row * LoraTiles.EXPAND_ROWS_OUTPUTS;
                        LoraTiles.add(
                                worker.sums,
                                sumsAt,
                                width,
                                factor(module, e + row),
                                y,
                                outputAt(module, e + row, j + i));
                    }
                }
            }
            for (; e < end; e++) {
                for (int i = 0; i < count; i += LoraTiles.EXPAND_OUTPUTS) {
                    int width = Math.min(LoraTiles.EXPAND_OUTPUTS, count - i);
                    long at = module.bElementBytes(0, j + i);
                    LoraTiles.expandRow(
                            module.weights(), at, module.rank(), shrunk, plan.shrunkAt(piece, e), worker.sums);
                    LoraTiles.add(worker.sums, 0, width, factor(module, e), y, outputAt(module, e, j + i));
                }
            }
        }
    }

    private float factor(LoraModule module, int e) {
        return batch.scales()[e] * module.scaling();
    }

    private int outputAt(LoraModule module, int e, int output) {
        return batch.rows()[e] * outputs + module.outputOffset() + output;
    }

    /// One thread's working memory.
    private static final class Worker {
        final float[] sums = new float[LoraTiles.LANES];
    }
}
