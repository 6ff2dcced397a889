package org.openlora.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Dense layers on the CPU with weights quantised to a byte: `y[rows, n] = x[rows, k] · Wᵀ`, W as
/// [Int8PanelMatrix] describes, `x`, `y` and sums f32 as in [PanelKernel].
///
/// **One order of addition.** Every output is a chain of fused multiply-adds over ascending `k` within a group, and
/// the groups' scaled sums are added in ascending order (see [Int8Tiles]). Rows, tiles and threads only choose
/// which outputs are worked on side by side, so a row's bits never depend on them.
///
/// The work is split over the pool by panels. Weights live in the arena given to [#pack]. One thread at a time
/// calls [#multiply].
public final class Int8PanelKernel implements LinearKernel {
    /// Name of the quantiser and its grouping, the same at every vector width.
    public static final String SCHEME = "int8-g" + Int8PanelMatrix.GROUP_INPUTS;

    /// From this many rows on, it pays to convert a block of weights once for all of them.
    private static final int WIDE_ROWS = 16;
    /// Up to this many rows, weights are read in the order in which they lie in memory.
    private static final int STREAMING_ROWS = 8;
    /// Rows whose inputs of [#BLOCK_GROUPS] groups (256 KiB) stay in the second-level cache.
    private static final int BLOCK_ROWS = 128;
    private static final int BLOCK_GROUPS = 4;
    private static final int TASKS_PER_THREAD = 4;
    private static final int COPIED_ROWS = 32;

    private final WorkerPool pool;
    private final @Nullable Int8Code code = Int8Code.ofProcess().orElse(null);
    private final float[][] scratch; // by task, a widened block or the sums of a tile
    private float[] copy = {}; // inputs by group, see Inputs

    /// A kernel that runs on `pool`.
    public Int8PanelKernel(WorkerPool pool) {
        this.pool = pool;
        this.scratch = new float[tasksAtMost()][(Int8PanelMatrix.GROUP_INPUTS + 1) * Int8PanelMatrix.PANEL];
    }

    @Override
    public String id() {
        return "panel-" + SCHEME + "-" + Lanes.bits();
    }

    /// Quantises and packs weights.
    ///
    /// @throws IllegalArgumentException also if a weight is infinite or not a number
    @Override
    public PackedMatrix pack(Arena arena, MemorySegment bf16RowMajor, int outputs, int inputs) {
        Shapes.weights(bf16RowMajor, outputs, inputs);
        Int8PanelMatrix matrix = Int8PanelMatrix.allocate(arena, outputs, inputs);
        pool.run(matrix.panelCount(), panel -> matrix.fill(panel, bf16RowMajor));
        return matrix;
    }

    /// Bytes that a packed matrix of this shape has.
    public static long packedBytes(int outputs, int inputs) {
        return Int8PanelMatrix.sizeBytes(Shapes.positive("outputs", outputs), Shapes.positive("inputs", inputs));
    }

    /// The bytes of a matrix that this kernel packed: together with [#id] and its shape, all there is to know.
    ///
    /// @throws IllegalArgumentException if another kernel packed the matrix
    public static MemorySegment bytes(PackedMatrix packed) {
        return matrix(packed).panels().asReadOnly();
    }

    /// The matrix that [#bytes] came from, in a kernel of the same [#id].
    ///
    /// @param bytes of [#packedBytes] length, kept and not copied
    /// @throws IllegalArgumentException if there are too few bytes for the shape
    public static PackedMatrix fromBytes(MemorySegment bytes, int outputs, int inputs) {
        return new Int8PanelMatrix(Shapes.positive("outputs", outputs), Shapes.positive("inputs", inputs), bytes);
    }

    @Override
    public void multiply(PackedMatrix packed, float[] x, int rows, float[] y) {
        Int8PanelMatrix matrix = matrix(packed);
        Shapes.matrix("x", x, rows, matrix.inputs());
        Shapes.matrix("y", y, rows, matrix.outputs());
        if (rows == 0) {
            return;
        }
        Inputs inputs = inputs(x, rows, matrix);
        int whole = matrix.outputs() / Int8PanelMatrix.PANEL;
        int panels = matrix.panelCount();
        int tasks = Math.min(panels, tasksAtMost());
        pool.run(tasks, task -> {
            int first = (int) ((long) panels * task / tasks);
            int end = (int) ((long) panels * (task + 1) / tasks);
            Target target = new Target(y, first * Int8PanelMatrix.PANEL, matrix.outputs());
            multiplyPanels(matrix, inputs, target, first, Math.min(end, whole), scratch[task]);
            if (end > whole) {
                multiplyTail(matrix, inputs, y, scratch[task]);
            }
        });
    }

    private static Int8PanelMatrix matrix(PackedMatrix packed) {
        if (packed instanceof Int8PanelMatrix matrix) {
            return matrix;
        }
        throw new IllegalArgumentException("matrix was packed by another kernel: "
                + packed.getClass().getSimpleName() + ", needs Int8PanelMatrix");
    }

    private int tasksAtMost() {
        return pool.threads() == 1 ? 1 : pool.threads() * TASKS_PER_THREAD;
    }

    /// The inputs as the tiles read them.
    private Inputs inputs(float[] x, int rows, Int8PanelMatrix matrix) {
        int width = matrix.inputs();
        if (rows < COPIED_ROWS || matrix.groups() == 1) {
            return new Inputs(x, rows, width, false);
        }
        if (copy.length < rows * width) {
            copy = new float[rows * width];
        }
        Inputs inputs = new Inputs(copy, rows, width, true);
        int tasks = (rows + COPIED_ROWS - 1) / COPIED_ROWS;
        pool.run(tasks, task -> {
            for (int row = task * COPIED_ROWS; row < Math.min(rows, (task + 1) * COPIED_ROWS); row++) {
                for (int group = 0; group < matrix.groups(); group++) {
                    int k = group * Int8PanelMatrix.GROUP_INPUTS;
                    System.arraycopy(x, row * width + k, copy, inputs.at(row, group), matrix.depth(group));
                }
            }
        });
        return inputs;
    }

    /// Panels `[first, end)`, all of them full.
    private void multiplyPanels(Int8PanelMatrix matrix, Inputs x, Target y, int first, int end, float[] scratch) {
        if (first >= end) {
            return;
        }
        y.clear(x.rows(), (end - first) * Int8PanelMatrix.PANEL);
        if (x.rows() == 1) {
            multiplyOneRow(matrix, x, y, first, end, scratch);
            return;
        }
        int groupsAtOnce = x.rows() <= STREAMING_ROWS ? matrix.groups() : BLOCK_GROUPS;
        for (int row = 0; row < x.rows(); row += BLOCK_ROWS) {
            int rows = Math.min(BLOCK_ROWS, x.rows() - row);
            for (int group = 0; group < matrix.groups(); group += groupsAtOnce) {
                int endGroup = Math.min(group + groupsAtOnce, matrix.groups());
                for (int panel = first; panel < end; panel++) {
                    multiplyPanel(matrix, panel, group, endGroup, x, row, rows, y, y.at(row, panel - first), scratch);
                }
            }
        }
    }

    /// Panels `[first, end)` by twos.
    private void multiplyOneRow(Int8PanelMatrix matrix, Inputs x, Target y, int first, int end, float[] scratch) {
        MemorySegment w = matrix.panels();
        if (code != null) {
            for (int panel = first; panel < end; panel++) {
                for (int group = 0; group < matrix.groups(); group++) {
                    multiplyFew(code, matrix, panel, group, x, 0, 1, y, y.at(0, panel - first));
                }
            }
            return;
        }
        for (int panel = first; panel < end; panel += 2) {
            int yAt = y.at(0, panel - first);
            for (int group = 0; group < matrix.groups(); group++) {
                long at = matrix.at(panel, group);
                int depth = matrix.depth(group);
                int xAt = x.at(0, group);
                if (panel + 1 < end) {
                    Int8Tiles.row1panels2(w, at, matrix.panelBytes(), depth, x.values(), xAt, y.values(), yAt, scratch);
                } else {
                    Int8Tiles.row1(w, at, depth, x.values(), xAt, y.values(), yAt);
                }
            }
        }
    }

    /// Rows `[row, row + rows)` times groups `[first, end)` of one panel.
    private void multiplyPanel(
            Int8PanelMatrix matrix,
            int panel,
            int first,
            int end,
            Inputs x,
            int row,
            int rows,
            Target y,
            int yAt,
            float[] scratch) {
        for (int group = first; group < end; group++) {
            MemorySegment w = matrix.panels();
            long at = matrix.at(panel, group);
            int depth = matrix.depth(group);
            int xAt = x.at(row, group);
            int xStride = x.stride(group);
            if (code != null && rows < WIDE_ROWS) {
                multiplyFew(code, matrix, panel, group, x, row, rows, y, yAt);
            } else if (rows >= WIDE_ROWS) {
                Int8Tiles.multiplyWide(
                        w, at, depth, scratch, x.values(), xAt, xStride, rows, y.values(), yAt, y.stride());
            } else {
                Int8Tiles.multiply(w, at, depth, x.values(), xAt, xStride, rows, y.values(), yAt, y.stride());
            }
        }
    }

    /// Rows `[row, row + rows)` times one block, by machine code.
    private static void multiplyFew(
            Int8Code code,
            Int8PanelMatrix matrix,
            int panel,
            int group,
            Inputs x,
            int row,
            int rows,
            Target y,
            int yAt) {
        long block = matrix.panels().address() + matrix.at(panel, group);
        int xStride = x.stride(group);
        for (int r = 0; r < rows; r += Int8Code.ROWS) {
            int few = Math.min(Int8Code.ROWS, rows - r);
            int xAt = x.at(row, group) + r * xStride;
            int to = yAt + r * y.stride();
            code.multiply(few, block, matrix.depth(group), x.values(), xAt, xStride, y.values(), to, y.stride());
        }
    }

    /// The last panel when it is not full: through a buffer of a panel's width, because `y` ends before the panel
    /// does.
    private void multiplyTail(Int8PanelMatrix matrix, Inputs x, float[] y, float[] scratch) {
        int panel = matrix.panelCount() - 1;
        int outputs = matrix.outputs();
        int width = outputs - panel * Int8PanelMatrix.PANEL;
        float[] buffer = new float[x.rows() * Int8PanelMatrix.PANEL];
        multiplyPanels(matrix, x, new Target(buffer, 0, Int8PanelMatrix.PANEL), panel, panel + 1, scratch);
        for (int row = 0; row < x.rows(); row++) {
            System.arraycopy(
                    buffer, row * Int8PanelMatrix.PANEL, y, row * outputs + panel * Int8PanelMatrix.PANEL, width);
        }
    }

    /// Columns of an output matrix, from the first panel of a task on.
    @SuppressWarnings("ArrayRecordComponent") // A view for the length of a call; never compared.
    private record Target(float[] values, int column, int stride) {
        /// Where the outputs of `row` in the task's panel number `panel` stand.
        int at(int row, int panel) {
            return row * stride + column + panel * Int8PanelMatrix.PANEL;
        }

        void clear(int rows, int width) {
            for (int row = 0; row < rows; row++) {
                Arrays.fill(values, at(row, 0), at(row, 0) + width, 0f);
            }
        }
    }

    /// Inputs `[rows, width]`, either row-major or, `grouped`, cut along `width`: group after group, each
    /// row-major.
    ///
    /// Many rows are grouped, because rows a power of two apart fall into few sets of a cache and drive each
    /// other out.
    @SuppressWarnings("ArrayRecordComponent") // A view for the length of a call; never compared.
    private record Inputs(float[] values, int rows, int width, boolean grouped) {
        /// Where the inputs of `row` in `group` stand.
        int at(int row, int group) {
            int k = group * Int8PanelMatrix.GROUP_INPUTS;
            return grouped ? k * rows + row * stride(group) : row * width + k;
        }

        /// Floats from one row to the next in `group`.
        int stride(int group) {
            return grouped
                    ? Math.min(Int8PanelMatrix.GROUP_INPUTS, width - group * Int8PanelMatrix.GROUP_INPUTS)
                    : width;
        }
    }
}
