package org.openlora.kernels;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/// Adds the low-rank updates of many adapters to the outputs of a dense layer.
///
/// For each entry `e` of the batch, of segment `s`, and each module `m` of `slots[s]` at the point:
/// `y[rows[e]][m.outputOffset + j] += scales[e] · m.scaling · Σᵣ B[j][r] · (Σₖ A[r][k] · x[rows[e]][k])`.
/// A and B are bf16 in one of [LoraModule]'s layouts; y and all sums are f32, x and what it shrinks to f32 in
/// [LoraLayout#RANK_ROWS] and rounded to bf16 in [LoraLayout#PAIRS].
///
/// **Order.** A row's updates are added to `y` in the order of the segments, which is that of adapter digests;
/// the sums run as [LoraTiles] and [LoraPairTiles] say, in tiles of one row (few rows per adapter: BGMV) and of several
/// (many: a grouped GEMM) alike. So a row's bits depend on its own adapters and inputs alone.
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
    private final LoraLayout layout;
    private final LoraPlan plan = new LoraPlan();
    private final LoraLoops loops;
    private final AtomicInteger nextShrink = new AtomicInteger();
    private final AtomicInteger nextExpand = new AtomicInteger();
    private final AtomicInteger unfinishedShrinks = new AtomicInteger();
    private LoraBatch batch = LoraBatch.none(); // of the call in progress

    /// A kernel that runs on `pool` and reads modules of one layout.
    ///
    /// @throws UnsupportedOperationException where the layout needs machine code and none can be had; whether the
    ///     processor multiplies pairs of bf16 numbers is for the caller to know
    public LoraKernel(WorkerPool pool, LoraLayout layout) {
        this.pool = pool;
        this.layout = layout;
        this.loops = LoraLoops.of(layout, pool.threads());
    }

    /// Adds the updates of `batch` at one point.
    ///
    /// @param x `[·, inputs]`, every row that an entry names
    /// @param y `[·, outputs]`, changed in the rows that entries name
    /// @param outputs width of the point's stacked outputs
    /// @throws IllegalArgumentException if a row is missing from `x` or `y`, or a module does not fit the point
    public void apply(LoraBatch batch, int layer, LoraPoint point, float[] x, int inputs, float[] y, int outputs) {
        checkRows(batch, x, inputs, y, outputs);
        plan.build(batch, layout, layer, point, inputs, outputs, pool.threads());
        if (plan.pieces() == 0) {
            return;
        }
        this.batch = batch;
        loops.begin(plan, batch, x, y, outputs);
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
                    loops.shrink(shrinks.piece(unit), shrinks.from(unit), shrinks.to(unit), id);
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
                expand(expands.piece(unit), expands.from(unit), expands.to(unit), id);
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

    /// Outputs `[from, to)` of a piece, or all outputs of rows `[from, to)` for all pieces.
    private void expand(int piece, int from, int to, int thread) {
        if (piece != LoraPlan.ALL_PIECES) {
            loops.expand(piece, plan.first(piece), plan.end(piece), from, to, thread);
            return;
        }
        for (int p = 0; p < plan.pieces(); p++) {
            int outputs = plan.module(p).outputs();
            for (int e = plan.first(p); e < plan.end(p); e++) {
                if (batch.rows()[e] >= from && batch.rows()[e] < to) {
                    loops.expand(p, e, e + 1, 0, outputs, thread);
                }
            }
        }
    }
}
