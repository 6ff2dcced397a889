package org.openlora.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Dense layers on the CPU: `y[rows, n] = x[rows, k] · Wᵀ`, W bf16 in panels, everything else f32.
///
/// The weights are stored once, as [PanelMatrix] describes, for one row and for a thousand. One row is bound by
/// memory: four panels stream side by side. Many rows are bound by arithmetic: `k` is cut into blocks so that a
/// block of a panel stays in the first-level cache while all rows pass over it.
///
/// **One order of addition.** Every output is a single chain of fused multiply-adds over ascending `k`. Rows,
/// tiles, blocks and threads only choose which outputs are worked on side by side, so a row's bits never depend
/// on them.
///
/// The work is split over the pool by panels. Weights live in the arena given to [#pack]. One thread at a time
/// calls [#multiply].
public final class PanelKernel implements LinearKernel {
    /// Panels that are worked on together, as one row needs them (see [PanelTiles]).
    private static final int GROUP = 4;
    /// Inputs of one block: 16 KiB of a panel at 256 bits.
    private static final int BLOCK_INPUTS = 512;
    /// Rows whose block of inputs (256 KiB) stays in the second-level cache.
    private static final int BLOCK_ROWS = 128;
    /// Up to this many rows, weights are read in the order in which they lie in memory.
    private static final int STREAMING_ROWS = 8;
    private static final int TASKS_PER_THREAD = 4;
    private static final int COPIED_ROWS = 32;

    private final WorkerPool pool;
    private float[] copy = {}; // inputs in blocks, see Blocks

    /// A kernel that runs on `pool`.
    public PanelKernel(WorkerPool pool) {
        this.pool = pool;
    }

    @Override
    public String id() {
        return "panel-bf16-" + Lanes.bits();
    }

    @Override
    public PackedMatrix pack(Arena arena, MemorySegment bf16RowMajor, int outputs, int inputs) {
        Shapes.positive("outputs", outputs);
        Shapes.positive("inputs", inputs);
        Shapes.bytes("weights [" + outputs + ", " + inputs + "]", bf16RowMajor, (long) outputs * inputs * Bf16.BYTES);
        PanelMatrix matrix = PanelMatrix.allocate(arena, outputs, inputs);
        pool.run(matrix.panelCount(), panel -> matrix.fill(panel, bf16RowMajor));
        return matrix;
    }

    @Override
    public void multiply(PackedMatrix packed, float[] x, int rows, float[] y) {
        if (!(packed instanceof PanelMatrix matrix)) {
            throw new IllegalArgumentException("matrix was packed by another kernel: "
                    + packed.getClass().getSimpleName() + ", needs PanelMatrix");
        }
        Shapes.matrix("x", x, rows, matrix.inputs());
        Shapes.matrix("y", y, rows, matrix.outputs());
        if (rows == 0) {
            return;
        }
        Blocks blocks = blocks(x, rows, matrix.inputs());
        int whole = matrix.outputs() / Lanes.PANEL;
        int groups = (matrix.panelCount() + GROUP - 1) / GROUP;
        int tasks = Math.min(groups, pool.threads() == 1 ? 1 : pool.threads() * TASKS_PER_THREAD);
        pool.run(tasks, task -> {
            int first = (int) ((long) groups * task / tasks) * GROUP;
            int end = (int) ((long) groups * (task + 1) / tasks) * GROUP;
            multiplyPanels(matrix, blocks, y, first, Math.min(end, whole));
            if (end > whole && whole < matrix.panelCount()) {
                multiplyTail(matrix, blocks, y);
            }
        });
    }

    /// The inputs as the tiles read them.
    private Blocks blocks(float[] x, int rows, int inputs) {
        if (rows <= STREAMING_ROWS || inputs <= BLOCK_INPUTS) {
            return new Blocks(x, rows, inputs, false);
        }
        if (copy.length < rows * inputs) {
            copy = new float[rows * inputs];
        }
        Blocks blocks = new Blocks(copy, rows, inputs, true);
        int tasks = (rows + COPIED_ROWS - 1) / COPIED_ROWS;
        pool.run(tasks, task -> {
            for (int row = task * COPIED_ROWS; row < Math.min(rows, (task + 1) * COPIED_ROWS); row++) {
                for (int k = 0; k < inputs; k += BLOCK_INPUTS) {
                    System.arraycopy(x, row * inputs + k, copy, blocks.at(row, k), blocks.depth(k));
                }
            }
        });
        return blocks;
    }

    private static void multiplyPanels(PanelMatrix matrix, Blocks x, float[] y, int first, int end) {
        int atOnce = x.rows() <= STREAMING_ROWS ? GROUP : Math.max(end - first, 1);
        for (int row = 0; row < x.rows(); row += BLOCK_ROWS) {
            int endRow = Math.min(row + BLOCK_ROWS, x.rows());
            for (int r = row; r < endRow && first < end; r++) {
                int at = r * matrix.outputs();
                Arrays.fill(y, at + first * Lanes.PANEL, at + end * Lanes.PANEL, 0f);
            }
            for (int panel = first; panel < end; panel += atOnce) {
                multiplyBlock(matrix, x, row, endRow, y, panel, Math.min(panel + atOnce, end));
            }
        }
    }

    /// Rows `[row, endRow)` times panels `[first, end)`.
    private static void multiplyBlock(
            PanelMatrix matrix, Blocks x, int row, int endRow, float[] y, int first, int end) {
        for (int k = 0; k < x.inputs(); k += BLOCK_INPUTS) {
            for (int panel = first; panel < end; panel += GROUP) {
                PanelTiles.multiply(
                        matrix.panels(),
                        panel * matrix.panelBytes() + (long) k * PanelTiles.STEP_BYTES,
                        matrix.panelBytes(),
                        Math.min(GROUP, end - panel),
                        x.depth(k),
                        x.values(),
                        x.at(row, k),
                        x.stride(k),
                        endRow - row,
                        y,
                        row * matrix.outputs() + panel * Lanes.PANEL,
                        matrix.outputs());
            }
        }
    }

    /// The last panel when it is not full: through a buffer of a panel's width, because `y` ends before the panel
    /// does.
    private static void multiplyTail(PanelMatrix matrix, Blocks x, float[] y) {
        int panel = matrix.panelCount() - 1;
        int outputs = matrix.outputs();
        int width = outputs - panel * Lanes.PANEL;
        float[] buffer = new float[x.rows() * Lanes.PANEL];
        for (int k = 0; k < x.inputs(); k += BLOCK_INPUTS) {
            PanelTiles.multiply(
                    matrix.panels(),
                    panel * matrix.panelBytes() + (long) k * PanelTiles.STEP_BYTES,
                    matrix.panelBytes(),
                    1,
                    x.depth(k),
                    x.values(),
                    x.at(0, k),
                    x.stride(k),
                    x.rows(),
                    buffer,
                    0,
                    Lanes.PANEL);
        }
        for (int row = 0; row < x.rows(); row++) {
            System.arraycopy(buffer, row * Lanes.PANEL, y, row * outputs + panel * Lanes.PANEL, width);
        }
    }

    /// Inputs `[rows, inputs]`, either row-major or, `blocked`, cut along `inputs`: block after block, each
    /// row-major.
    ///
    /// Many rows are blocked, because rows a power of two apart fall into few sets of a cache and drive each
    /// other out.
    @SuppressWarnings("ArrayRecordComponent") // A view for the length of a call; never compared.
    private record Blocks(float[] values, int rows, int inputs, boolean blocked) {
        /// Inputs in the block that begins at `k`.
        int depth(int k) {
            return Math.min(BLOCK_INPUTS, inputs - k);
        }

        /// Where the inputs of `row` in the block that begins at `k` stand.
        int at(int row, int k) {
            return blocked ? k * rows + row * depth(k) : row * inputs + k;
        }

        /// Floats from one row to the next in the block that begins at `k`.
        int stride(int k) {
            return blocked ? depth(k) : inputs;
        }
    }
}
