package org.openlora.kernels;

/// How [LoraKernel] works on the units of a [LoraPlan] in one [LoraLayout]. A call of the kernel is a [#begin],
/// then units on any threads: all shrinks before the first expand.
abstract sealed class LoraLoops permits RankRowLoops, PairLoops {
    private LoraPlan plan = new LoraPlan();
    private LoraBatch batch = LoraBatch.none();
    private float[] x = {};
    private float[] y = {};
    private int outputs;

    static LoraLoops of(LoraLayout layout, int threads) {
        return switch (layout) {
            case RANK_ROWS -> new RankRowLoops(threads);
            case PAIRS -> new PairLoops(threads);
        };
    }

    /// Takes the operands of a call: x `[·, inputs]`, y `[·, outputs]`.
    final void begin(LoraPlan plan, LoraBatch batch, float[] x, float[] y, int outputs) {
        this.plan = plan;
        this.batch = batch;
        this.x = x;
        this.y = y;
        this.outputs = outputs;
        reserve(plan.shrunkSize());
    }

    /// Makes room for the results of all shrinks.
    abstract void reserve(int shrunkSize);

    /// Rank rows `[from, to)` for all entries of a piece.
    abstract void shrink(int piece, int from, int to, int thread);

    /// Adds outputs `[from, to)` of entries `[first, end)` of a piece; `from` begins a panel.
    abstract void expand(int piece, int first, int end, int from, int to, int thread);

    /// `y[yAt + j] += factor · Σᵣ B[j][r] · A[r][column]` for all outputs `j` of a module, on the calling thread.
    abstract void addColumn(LoraModule module, int column, float factor, float[] y, int yAt);

    final LoraPlan plan() {
        return plan;
    }

    final float[] x() {
        return x;
    }

    final float[] y() {
        return y;
    }

    final int row(int entry) {
        return batch.rows()[entry];
    }

    final float factor(LoraModule module, int entry) {
        return batch.scales()[entry] * module.scaling();
    }

    /// Where an output of an entry stands in `y`.
    final int outputAt(LoraModule module, int entry, int output) {
        return row(entry) * outputs + module.outputOffset() + output;
    }
}
