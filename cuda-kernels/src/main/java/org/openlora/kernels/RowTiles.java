package org.openlora.kernels;

/// Inputs `[rows, inputs]` in the order in which the loops of [GemmTiles] read them.
///
/// Rows are cut into tiles of [#height] rows, `inputs` into blocks of at most [#BLOCK_INPUTS]. Block after block,
/// tile after tile, the inputs of a tile's rows are interleaved: `[blocks][tiles][inputs of the block][rows of the
/// tile]`. A tile is then one stream of memory, read from front to back, and rows that lie a power of two apart no
/// longer fall into few sets of a cache. One row alone is its own interleaving and is not copied.
///
/// Grows its buffer when needed and never gives it back; used by one call at a time.
final class RowTiles {
    /// Rows of the highest tile: as many as the registers hold, see [GemmTiles].
    static final int HIGHEST = Lanes.bits() == 512 ? 8 : 4;
    /// Inputs of a block: at most 64 KiB of a panel, and 32 KiB of a tile.
    static final int BLOCK_INPUTS = 1024;
    /// Floats copied by one task.
    private static final int FLOATS_PER_TASK = 32 * 1024;

    private float[] buffer = {};
    private float[] values = {};
    private int rows;
    private int inputs;

    /// Rows of the tile with which `rowsLeft` rows begin.
    static int height(int rowsLeft) {
        if (rowsLeft >= HIGHEST) {
            return HIGHEST;
        }
        return switch (rowsLeft) {
            case 7 -> 4;
            case 5 -> 3;
            default -> rowsLeft;
        };
    }

    /// Takes the inputs of the next product; `x` must not change until it is done.
    void load(WorkerPool pool, float[] x, int rows, int inputs) {
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
        int groups = (rows + HIGHEST - 1) / HIGHEST;
        int tasks = Math.max(1, Math.min(groups, rows * inputs / FLOATS_PER_TASK));
        if (tasks == 1) {
            interleave(x, 0, rows);
        } else {
            pool.run(
                    tasks,
                    task -> interleave(
                            x, groups * task / tasks * HIGHEST, Math.min(rows, groups * (task + 1) / tasks * HIGHEST)));
        }
    }

    float[] values() {
        return values;
    }

    int rows() {
        return rows;
    }

    /// Inputs in the block that begins at `k`.
    int depth(int k) {
        return Math.min(BLOCK_INPUTS, inputs - k);
    }

    /// Where the tile that begins with `row` stands in the block that begins at `k`.
    int at(int row, int k) {
        return k * rows + row * depth(k);
    }

    private void interleave(float[] x, int first, int end) {
        for (int row = first; row < end; ) {
            int height = height(end - row);
            for (int k = 0; k < inputs; k += BLOCK_INPUTS) {
                interleave(x, row * inputs + k, inputs, height, depth(k), values, at(row, k));
            }
            row += height;
        }
    }

    private static void interleave(float[] x, int at, int stride, int height, int depth, float[] to, int toAt) {
        for (int r = 0; r < height; r++) {
            int from = at + r * stride;
            int target = toAt + r;
            for (int k = 0; k < depth; k++) {
                to[target + k * height] = x[from + k];
            }
        }
    }
}
