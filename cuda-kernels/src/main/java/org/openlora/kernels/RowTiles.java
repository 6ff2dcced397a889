package org.openlora.kernels;

import static org.openlora.kernels.Lanes.COUNT;
import static org.openlora.kernels.Lanes.FLOATS;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;

/// Inputs `[rows, inputs]` in the order in which the loops of [GemmTiles] read them.
///
/// `inputs` are cut into blocks, rows into groups of four; the last group may be smaller.
/// Block after block, group after group, the inputs of a group are interleaved:
/// `[blocks][groups][inputs of the block][rows of the group]`. A tile then reads one or two streams of memory from
/// front to back, and rows that lie a power of two apart no longer fall into few sets of a cache. One row alone is
/// its own interleaving and is not copied.
///
/// Grows its buffer when needed and never gives it back; used by one product at a time.
final class RowTiles implements WorkerPool.Task {
    /// Rows of the highest tile: as many as the registers hold, see [GemmTiles].
    static final int HIGHEST = Lanes.bits() == 512 ? 8 : 4;
    /// Rows that are interleaved.
    static final int GROUP = 4;
    /// Floats copied by one task.
    private static final int FLOATS_PER_TASK = 32 * 1024;

    private static final VectorShuffle<Float> ZIP_FRONT = VectorShuffle.makeZip(FLOATS, 0);
    private static final VectorShuffle<Float> ZIP_BACK = VectorShuffle.makeZip(FLOATS, 1);

    private float[] buffer = {};
    private float[] values = {};
    private float[] x = {};
    private int rows;
    private int inputs;
    private int blockInputs;
    private int tasks;

    /// Rows of the tile with which `rowsLeft` rows begin.
    static int height(int rowsLeft) {
        if (rowsLeft >= HIGHEST) {
            return HIGHEST;
        }
        return rowsLeft == 6 || rowsLeft < GROUP ? rowsLeft : GROUP;
    }

    /// Takes the inputs of the next product in blocks of at most `blockInputs`; `x` must not change until it is
    /// done.
    void load(WorkerPool pool, float[] x, int rows, int inputs, int blockInputs) {
        this.blockInputs = blockInputs;
        this.rows = rows;
        this.inputs = inputs;
        if (rows == 1) {
            values = x;
            return;
        }
        if (buffer.length < rows * inputs) {
            buffer = new float[rows * inputs];
        }
        values = buffer;
        this.x = x;
        tasks = Math.clamp((long) rows * inputs / FLOATS_PER_TASK, 1, groups());
        if (tasks == 1) {
            run(0);
        } else {
            pool.run(tasks, this);
        }
    }

    /// Copies one task's share of the groups.
    @Override
    public void run(int task) {
        int first = (int) ((long) groups() * task / tasks) * GROUP;
        int end = Math.min(rows, (int) ((long) groups() * (task + 1) / tasks) * GROUP);
        for (int row = first; row < end; row += GROUP) {
            for (int k = 0; k < inputs; k += blockInputs) {
                interleave(row, Math.min(GROUP, end - row), k);
            }
        }
    }

    private int groups() {
        return (rows + GROUP - 1) / GROUP;
    }

    float[] values() {
        return values;
    }

    int rows() {
        return rows;
    }

    /// Inputs in the block that begins at `k`.
    int depth(int k) {
        return Math.min(blockInputs, inputs - k);
    }

    /// Where the tile that begins with `row` stands in the block that begins at `k`.
    int at(int row, int k) {
        return k * rows + row * depth(k);
    }

    private void interleave(int row, int count, int k) {
        int depth = depth(k);
        int at = row * inputs + k;
        int to = at(row, k);
        int done = count == GROUP ? interleave4(x, at, inputs, depth, values, to) : 0;
        for (int r = 0; r < count; r++) {
            int from = at + r * inputs;
            int toRow = to + r;
            for (int i = done; i < depth; i++) {
                values[toRow + i * count] = x[from + i];
            }
        }
    }

    /// Interleaves 4 rows as far as whole vectors go, and returns how far that was.
    private static int interleave4(float[] x, int at, int stride, int depth, float[] to, int toAt) {
        int i = 0;
        for (; i + COUNT <= depth; i += COUNT) {
            int from = at + i;
            int target = toAt + i * GROUP;
            FloatVector row0 = FloatVector.fromArray(FLOATS, x, from);
            FloatVector row1 = FloatVector.fromArray(FLOATS, x, from + stride);
            FloatVector row2 = FloatVector.fromArray(FLOATS, x, from + 2 * stride);
            FloatVector row3 = FloatVector.fromArray(FLOATS, x, from + 3 * stride);
            FloatVector even = zip(ZIP_FRONT, row0, row2);
            FloatVector odd = zip(ZIP_FRONT, row1, row3);
            zip(ZIP_FRONT, even, odd).intoArray(to, target);
            zip(ZIP_BACK, even, odd).intoArray(to, target + COUNT);
            even = zip(ZIP_BACK, row0, row2);
            odd = zip(ZIP_BACK, row1, row3);
            zip(ZIP_FRONT, even, odd).intoArray(to, target + 2 * COUNT);
            zip(ZIP_BACK, even, odd).intoArray(to, target + 3 * COUNT);
        }
        return i;
    }

    private static FloatVector zip(VectorShuffle<Float> half, FloatVector a, FloatVector b) {
        return a.rearrange(half, b);
    }
}
