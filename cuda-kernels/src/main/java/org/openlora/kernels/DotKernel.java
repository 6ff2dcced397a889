package org.openlora.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Dense layers on processors that multiply bf16 numbers (AVX-512 BF16): `y[rows, n] = x[rows, k] · Wᵀ`, W bf16 in the
/// panels of a [DotMatrix], x rounded to bf16, sums and y f32.
///
/// Against [PanelKernel] it saves the widening of weights and half of the multiplications, for inputs that are rounded
/// as Transformers rounds them in bf16. The inner loops are [DotTiles].
///
/// **One order of addition.** Every output is a single chain of additions over ascending pairs of inputs. Rows, tiles
/// and threads only choose which outputs are worked on side by side, so a row's bits never depend on them.
///
/// The work is split over the pool by panels and blocks of rows. Weights live in the arena given to [#pack]. One thread
/// at a time calls [#multiply].
public final class DotKernel implements LinearKernel {
    /// Bytes of the inputs of a block of rows: half of a second-level cache of 1 MiB.
    private static final int BLOCK_BYTES = 512 << 10;
    private static final int MOST_BLOCK_ROWS = 128;

    private final WorkerPool pool;
    private final DotTiles tiles = DotTiles.ofProcess();
    private final BfloatRows inputs = new BfloatRows();
    private final Product product = new Product();
    private float[] tail = {}; // [rows][PANEL]: the last panel when it is not full

    /// A kernel that runs on `pool`, on a processor that multiplies bf16 numbers in vectors of 512 bits.
    ///
    /// @throws UnsupportedOperationException where no machine code can be had, see
    ///     [org.openlora.kernels.x86.MachineCode]
    public DotKernel(WorkerPool pool) {
        this.pool = pool;
    }

    @Override
    public String id() {
        return "dots-bf16-512";
    }

    @Override
    public LoraLayout loraLayout() {
        return LoraLayout.PAIRS;
    }

    @Override
    public PackedMatrix pack(Arena arena, MemorySegment bf16RowMajor, int outputs, int inputs) {
        Shapes.weights(bf16RowMajor, outputs, inputs);
        DotMatrix matrix = DotMatrix.allocate(arena, outputs, inputs);
        pool.run(matrix.panelCount(), panel -> matrix.fill(panel, bf16RowMajor));
        return matrix;
    }

    @Override
    public void multiply(PackedMatrix packed, float[] x, int rows, float[] y) {
        if (!(packed instanceof DotMatrix matrix)) {
            throw new IllegalArgumentException(
                    "matrix was packed by another kernel: " + packed.getClass().getSimpleName() + ", needs DotMatrix");
        }
        Shapes.matrix("x", x, rows, matrix.inputs());
        Shapes.matrix("y", y, rows, matrix.outputs());
        if (rows == 0) {
            return;
        }
        if (matrix.outputs() % DotMatrix.PANEL != 0 && tail.length < rows * DotMatrix.PANEL) {
            tail = new float[rows * DotMatrix.PANEL];
        }
        product.run(matrix, x, rows, y);
    }

    /// The product in progress, cut into tasks: one for each block of rows and chunk of panels.
    private final class Product implements WorkerPool.Task {
        private @Nullable DotMatrix matrix;
        private float[] y = {};
        private int rows;
        private int blockRows;
        private int chunks;

        void run(DotMatrix matrix, float[] x, int rows, float[] y) {
            this.matrix = matrix;
            this.rows = rows;
            this.y = y;
            inputs.load(pool, x, rows, matrix.inputs());
            blockRows = Math.clamp(BLOCK_BYTES / inputs.strideBytes(), DotTiles.ROWS, MOST_BLOCK_ROWS);
            blockRows -= blockRows % DotTiles.ROWS;
            chunks = pool.chunks(matrix.sizeBytes(), matrix.panelCount());
            pool.run((rows + blockRows - 1) / blockRows * chunks, this);
        }

        @Override
        public void run(int index) {
            DotMatrix w = Objects.requireNonNull(matrix);
            int chunk = index % chunks;
            int row = index / chunks * blockRows;
            int endRow = Math.min(row + blockRows, rows);
            int first = (int) ((long) w.panelCount() * chunk / chunks);
            int end = (int) ((long) w.panelCount() * (chunk + 1) / chunks);
            int whole = w.outputs() / DotMatrix.PANEL;
            MemorySegment to = MemorySegment.ofArray(y);
            for (int panel = first; panel < Math.min(end, whole); panel++) {
                multiply(w, panel, row, endRow, to, panel * DotMatrix.PANEL, w.outputs());
            }
            if (end > whole) {
                multiply(w, whole, row, endRow, MemorySegment.ofArray(tail), 0, DotMatrix.PANEL);
                for (int r = row; r < endRow; r++) {
                    int at = r * w.outputs() + whole * DotMatrix.PANEL;
                    System.arraycopy(tail, r * DotMatrix.PANEL, y, at, (r + 1) * w.outputs() - at);
                }
            }
        }

        /// Rows `[row, endRow)` times one panel, to column `column` of `to`, whose rows have `columns` floats.
        private void multiply(DotMatrix w, int panel, int row, int endRow, MemorySegment to, int column, int columns) {
            long weights = w.panels().address() + panel * w.panelBytes();
            for (int r = row; r < endRow; r += DotTiles.ROWS) {
                tiles.multiply(
                        weights,
                        inputs.address(r),
                        inputs.strideBytes(),
                        w.pairs(),
                        Math.min(DotTiles.ROWS, endRow - r),
                        to,
                        ((long) r * columns + column) * Float.BYTES,
                        (long) columns * Float.BYTES);
            }
        }
    }

    /// Inputs `[rows, inputs]` rounded to bf16, each row on cache lines of its own; grows and never shrinks.
    private static final class BfloatRows implements WorkerPool.Task {
        private static final int LINE_BYTES = 64;
        private static final int FLOATS_PER_TASK = 32 * 1024;

        private MemorySegment buffer = MemorySegment.NULL;
        private float[] x = {};
        private int rows;
        private int inputs;
        private int strideBytes;
        private int tasks;

        void load(WorkerPool pool, float[] x, int rows, int inputs) {
            // One line more than needed: rows a power of two apart would fall into few sets of a cache.
            int stride = Shapes.roundUp(inputs * Bf16.BYTES, LINE_BYTES) + LINE_BYTES;
            if (buffer.byteSize() < (long) rows * stride) {
                buffer = Arena.ofAuto().allocate((long) rows * stride, LINE_BYTES);
            }
            this.x = x;
            this.rows = rows;
            this.inputs = inputs;
            this.strideBytes = stride;
            tasks = Math.clamp((long) rows * inputs / FLOATS_PER_TASK, 1, rows);
            if (tasks == 1) {
                run(0);
            } else {
                pool.run(tasks, this);
            }
        }

        @Override
        public void run(int task) {
            int end = (int) ((long) rows * (task + 1) / tasks);
            for (int row = (int) ((long) rows * task / tasks); row < end; row++) {
                long at = (long) row * strideBytes;
                Bf16.fromFloats(x, row * inputs, inputs, buffer, at);
                if (inputs % 2 != 0) {
                    buffer.set(LoraModule.BF16, at + (long) inputs * Bf16.BYTES, (short) 0);
                }
            }
        }

        int strideBytes() {
            return strideBytes;
        }

        long address(int row) {
            return buffer.address() + (long) row * strideBytes;
        }
    }
}
