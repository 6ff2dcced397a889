package org.openlora.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Dense layers on the CPU: `y[rows, n] = x[rows, k] · Wᵀ`, W bf16 in panels, everything else f32.
///
/// The weights are stored once, as [PanelMatrix] describes, for one row and for a thousand. Few rows are bound by
/// memory: panels stream past the rows, and a [Prefetch] keeps the stream running while tiles compute. Many rows are
/// bound by arithmetic: `k` and the rows are cut into blocks so that a block of a panel and the inputs it meets stay
/// in the second-level cache.
///
/// **One order of addition.** Every output is a single chain of fused multiply-adds over ascending `k`. Rows,
/// tiles, blocks and threads only choose which outputs are worked on side by side, so a row's bits never depend
/// on them.
///
/// The work is split over the pool by panels and blocks of rows. Weights live in the arena given to [#pack]. One
/// thread at a time calls [#multiply].
public final class PanelKernel implements LinearKernel {
    /// Rows of a block, a multiple of every tile.
    private static final int BLOCK_ROWS = 128;
    /// Inputs of a block of rows, in floats: half of a second-level cache of 1 MiB.
    private static final int BLOCK_FLOATS = 128 << 10;
    /// What one tile asks for ahead of each panel before it passes over as much, in bytes. Less, and sums go to
    /// memory and back too often; more, and the processor cannot keep it all in flight.
    private static final int AHEAD_BYTES = 48 * Prefetch.LINE_BYTES;
    /// Most inputs of a pass: 64 KiB of a panel.
    private static final int MOST_DEPTH = 1024;

    private final WorkerPool pool;
    private final RowTiles inputs = new RowTiles();
    private final Product product = new Product();
    private float[] tail = {}; // [rows][PANEL]: the last panel when it is not full

    /// A kernel that runs on `pool`.
    public PanelKernel(WorkerPool pool) {
        this.pool = pool;
    }

    @Override
    public String id() {
        return "panel-bf16-" + Lanes.bits();
    }

    /// Bytes that [#pack(MemorySegment, MemorySegment, int, int)] uses.
    public static long packedBytes(int outputs, int inputs) {
        return PanelMatrix.bytesFor(outputs, inputs);
    }

    /// Copies weights into this kernel's layout, on the calling thread.
    ///
    /// @param memory written from its beginning on, [#packedBytes] bytes; aligned to a cache line
    /// @param bf16RowMajor `[outputs, inputs]` bf16, little-endian; read only
    /// @throws IllegalArgumentException if a segment is too small for the shape or the shape is not positive
    public static PackedMatrix pack(MemorySegment memory, MemorySegment bf16RowMajor, int outputs, int inputs) {
        Shapes.weights(bf16RowMajor, outputs, inputs);
        Shapes.bytes("memory for [" + outputs + ", " + inputs + "]", memory, packedBytes(outputs, inputs));
        PanelMatrix matrix = PanelMatrix.in(memory, outputs, inputs);
        for (int panel = 0; panel < matrix.panelCount(); panel++) {
            matrix.fill(panel, bf16RowMajor);
        }
        return matrix;
    }

    @Override
    public PackedMatrix pack(Arena arena, MemorySegment bf16RowMajor, int outputs, int inputs) {
        Shapes.weights(bf16RowMajor, outputs, inputs);
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
        if (matrix.outputs() % Lanes.PANEL != 0 && tail.length < rows * Lanes.PANEL) {
            tail = new float[rows * Lanes.PANEL];
        }
        product.run(matrix, x, rows, y);
    }

    /// The product in progress, cut into tasks: one for each block of rows and chunk of panels.
    private final class Product implements WorkerPool.Task {
        private @Nullable PanelMatrix matrix;
        private float[] y = {};
        private int rows;
        private int chunks;
        /// Neighbouring panels that a tile passes at once.
        private int group;
        /// Inputs that a tile passes at once.
        private int depth;

        void run(PanelMatrix matrix, float[] x, int rows, float[] y) {
            this.matrix = matrix;
            this.rows = rows;
            this.y = y;
            int blockRows = Math.min(rows, BLOCK_ROWS);
            int tiles = (blockRows + RowTiles.HIGHEST - 1) / RowTiles.HIGHEST;
            group = blockRows <= RowTiles.HIGHEST / 2 ? 2 : 1;
            depth = Math.min(tiles * AHEAD_BYTES / PanelMatrix.STEP_BYTES, MOST_DEPTH);
            inputs.load(pool, x, rows, matrix.inputs(), depth);
            chunks = pool.chunks(matrix.sizeBytes(), matrix.panelCount() / group);
            pool.run((rows + BLOCK_ROWS - 1) / BLOCK_ROWS * chunks, this);
        }

        @Override
        public void run(int index) {
            PanelMatrix w = Objects.requireNonNull(matrix);
            int chunk = index % chunks;
            int row = index / chunks * BLOCK_ROWS;
            int endRow = Math.min(row + BLOCK_ROWS, rows);
            int first = (int) ((long) w.panelCount() * chunk / chunks);
            int end = (int) ((long) w.panelCount() * (chunk + 1) / chunks);
            int whole = w.outputs() / Lanes.PANEL;
            int outputs = w.outputs();
            multiply(w, row, endRow, first, Math.min(end, whole), y, row * outputs + first * Lanes.PANEL, outputs);
            if (end > whole) {
                multiply(w, row, endRow, whole, end, tail, row * Lanes.PANEL, Lanes.PANEL);
                for (int r = row; r < endRow; r++) {
                    int at = r * outputs + whole * Lanes.PANEL;
                    System.arraycopy(tail, r * Lanes.PANEL, y, at, (r + 1) * outputs - at);
                }
            }
        }

        /// Rows `[row, endRow)` times panels `[first, end)`, to `to` from `toAt` on.
        private void multiply(
                PanelMatrix w, int row, int endRow, int first, int end, float[] to, int toAt, int toStride) {
            int blockInputs = Math.max(BLOCK_FLOATS / (endRow - row) / depth, 1) * depth;
            for (int block = 0; block < w.inputs(); block += blockInputs) {
                int endK = Math.min(block + blockInputs, w.inputs());
                for (int panel = first; panel < end; panel += group) {
                    int target = toAt + (panel - first) * Lanes.PANEL;
                    int panels = Math.min(group, end - panel);
                    for (int k = block; k < endK; k += depth) {
                        pass(w, k, row, endRow, panel, panels, to, target, toStride);
                    }
                }
            }
        }

        /// One pass: rows `[row, endRow)` times `panels` panels from `panel` on, over the inputs of the block at
        /// `k`. Each tile asks for its share of the next pass's weights before it reads its own.
        private void pass(
                PanelMatrix w, int k, int row, int endRow, int panel, int panels, float[] to, int toAt, int toStride) {
            long at = panel * w.panelBytes() + (long) k * PanelMatrix.STEP_BYTES;
            int passDepth = inputs.depth(k);
            long passBytes = (long) passDepth * PanelMatrix.STEP_BYTES;
            long next = w.panels().address() + at + passBytes;
            int height;
            for (int r = row; r < endRow; r += height) {
                height = RowTiles.height(endRow - r);
                long asked = (long) (r - row) / RowTiles.HIGHEST * AHEAD_BYTES;
                for (int q = 0; q < panels; q++) {
                    Prefetch.ask(next + q * w.panelBytes() + asked, Math.min(AHEAD_BYTES, passBytes - asked));
                }
                int target = toAt + (r - row) * toStride;
                GemmTiles.multiply(
                        w.panels(),
                        at,
                        w.panelBytes(),
                        panels,
                        passDepth,
                        inputs.values(),
                        inputs.at(r, k),
                        height,
                        k == 0,
                        to,
                        target,
                        toStride);
            }
        }
    }
}
