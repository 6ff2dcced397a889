package org.openlora.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Dense layers on the CPU: `y[rows, n] = x[rows, k] · Wᵀ`, W bf16 in panels, everything else f32.
///
/// The weights are stored once, as [PanelMatrix] describes, for one row and for a thousand. One row is bound by memory:
/// four panels stream side by side. Many rows are bound by arithmetic: `k` is cut into blocks so that a block of a panel
/// stays in the first-level cache while all rows pass over it.
///
/// **One order of addition.** Every output is a single chain of fused multiply-adds over ascending `k`. Rows, tiles,
/// blocks and threads only choose which outputs are worked on side by side, so a row's bits never depend on them.
///
/// The work is split over the pool by panels. Weights live in the arena given to [#pack]. One thread at a time calls
/// [#multiply].
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

    private final WorkerPool pool;

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
        int whole = matrix.outputs() / Lanes.PANEL;
        int groups = (matrix.panelCount() + GROUP - 1) / GROUP;
        int tasks = Math.min(groups, pool.threads() == 1 ? 1 : pool.threads() * TASKS_PER_THREAD);
        pool.run(tasks, task -> {
            int first = (int) ((long) groups * task / tasks) * GROUP;
            int end = (int) ((long) groups * (task + 1) / tasks) * GROUP;
            multiplyPanels(matrix, x, rows, y, first, Math.min(end, whole));
            if (end > whole && whole < matrix.panelCount()) {
                multiplyTail(matrix, x, rows, y);
            }
        });
    }

    private static void multiplyPanels(PanelMatrix matrix, float[] x, int rows, float[] y, int first, int end) {
        int atOnce = rows <= STREAMING_ROWS ? GROUP : Math.max(end - first, 1);
        for (int row = 0; row < rows; row += BLOCK_ROWS) {
            int blockRows = Math.min(BLOCK_ROWS, rows - row);
            for (int r = row; r < row + blockRows && first < end; r++) {
                int at = r * matrix.outputs();
                Arrays.fill(y, at + first * Lanes.PANEL, at + end * Lanes.PANEL, 0f);
            }
            for (int panel = first; panel < end; panel += atOnce) {
                multiplyBlock(matrix, x, row, blockRows, y, panel, Math.min(panel + atOnce, end));
            }
        }
    }

    private static void multiplyBlock(
            PanelMatrix matrix, float[] x, int row, int rows, float[] y, int first, int end) {
        int inputs = matrix.inputs();
        int outputs = matrix.outputs();
        for (int k = 0; k < inputs; k += BLOCK_INPUTS) {
            int depth = Math.min(BLOCK_INPUTS, inputs - k);
            for (int panel = first; panel < end; panel += GROUP) {
                PanelTiles.multiply(
                        matrix.panels(),
                        panel * matrix.panelBytes() + (long) k * PanelTiles.STEP_BYTES,
                        matrix.panelBytes(),
                        Math.min(GROUP, end - panel),
                        depth,
                        x,
                        row * inputs + k,
                        inputs,
                        rows,
                        y,
                        row * outputs + panel * Lanes.PANEL,
                        outputs);
            }
        }
    }

    /// The last panel when it is not full: through a buffer of a panel's width, because `y` ends before the panel does.
    private static void multiplyTail(PanelMatrix matrix, float[] x, int rows, float[] y) {
        int panel = matrix.panelCount() - 1;
        int outputs = matrix.outputs();
        int width = outputs - panel * Lanes.PANEL;
        float[] buffer = new float[Math.min(rows, BLOCK_ROWS) * Lanes.PANEL];
        for (int row = 0; row < rows; row += BLOCK_ROWS) {
            int blockRows = Math.min(BLOCK_ROWS, rows - row);
            Arrays.fill(buffer, 0f);
            PanelTiles.multiply(
                    matrix.panels(),
                    panel * matrix.panelBytes(),
                    matrix.panelBytes(),
                    1,
                    matrix.inputs(),
                    x,
                    row * matrix.inputs(),
                    matrix.inputs(),
                    blockRows,
                    buffer,
                    0,
                    Lanes.PANEL);
            for (int r = 0; r < blockRows; r++) {
                System.arraycopy(
                        buffer, r * Lanes.PANEL, y, (row + r) * outputs + panel * Lanes.PANEL, width);
            }
        }
    }
}
