package org.openlora.kernels;

import java.util.ArrayList;
import java.util.List;

/// Adds the low-rank updates of many adapters to the outputs of a dense layer.
///
/// For each entry `e` of the batch, of segment `s`, and each module `m` of `slots[s]` at the point:
/// `y[rows[e]][m.outputOffset + j] += scales[e] · m.scaling · Σᵣ B[j][r] · (Σₖ A[r][k] · x[rows[e]][k])`.
/// A and B are bf16 in [LoraModule]'s layout with their true ranks; x, y and all sums are f32.
///
/// **Order.** A row's updates are added to `y` in the order of the segments, which is that of adapter digests;
/// the sums run as [LoraTiles] says. So a row's bits depend on its own adapters and inputs alone.
///
/// **Work.** First *shrink* (`h = x · Aᵀ`), in parallel over entries; then *expand* (`y += factor · h · Bᵀ`), in
/// parallel over output ranges, each of which goes through all entries in order, so no two threads share an
/// output. Rows without an adapter are not touched. Terms as in Punica, <https://arxiv.org/abs/2310.18547>.
///
/// Used by one thread at a time.
public final class LoraKernel {
    /// Multiply-adds below which other threads are left alone.
    private static final long MIN_PARALLEL_MACS = 100_000;
    private static final int SHRINK_ENTRIES = 16;
    /// Outputs of a range are a multiple of this, so that ranges end where tiles do.
    private static final int RANGE_STEP = 2 * LoraTiles.EXPAND_1;
    private static final int RANGES_PER_THREAD = 4;

    private final WorkerPool pool;
    private float[] shrunk = {}; // per piece [entries][rank rounded up to 8]

    /// A kernel that runs on `pool`.
    public LoraKernel(WorkerPool pool) {
        this.pool = pool;
    }

    /// Adds the updates of `batch` at one point.
    ///
    /// @param x `[·, inputs]`, every row that an entry names
    /// @param y `[·, outputs]`, changed in the rows that entries name
    /// @param outputs width of the point's stacked outputs
    /// @throws IllegalArgumentException if a row is missing from `x` or `y`, or a module does not fit the point
    public void apply(LoraBatch batch, int layer, LoraPoint point, float[] x, int inputs, float[] y, int outputs) {
        checkRows(batch, x, inputs, y, outputs);
        List<Piece> pieces = pieces(batch, layer, point, inputs, outputs);
        if (pieces.isEmpty()) {
            return;
        }
        Piece last = pieces.getLast();
        int floats = last.shrunkAt() + (last.end() - last.first()) * last.paddedRank();
        if (shrunk.length < floats) {
            shrunk = new float[Math.max(floats, 2 * shrunk.length)];
        }
        long macs = 0;
        for (Piece piece : pieces) {
            macs += piece.macs();
        }
        if (pool.threads() == 1 || macs < MIN_PARALLEL_MACS) {
            pieces.forEach(piece -> shrink(batch, piece, x));
            expand(batch, pieces, y, outputs, 0, outputs);
            return;
        }
        pool.run(pieces.size(), i -> shrink(batch, pieces.get(i), x));
        int steps = (outputs + RANGE_STEP - 1) / RANGE_STEP;
        int ranges = Math.min(steps, pool.threads() * RANGES_PER_THREAD);
        pool.run(ranges, range -> {
            int first = (int) ((long) steps * range / ranges) * RANGE_STEP;
            int end = (int) ((long) steps * (range + 1) / ranges) * RANGE_STEP;
            expand(batch, pieces, y, outputs, first, Math.min(end, outputs));
        });
    }

    private static void checkRows(LoraBatch batch, float[] x, int inputs, float[] y, int outputs) {
        Shapes.positive("inputs", inputs);
        Shapes.positive("outputs", outputs);
        int rows = Math.min(x.length / inputs, y.length / outputs);
        for (int row : batch.rows()) {
            if (row < 0 || row >= rows) {
                throw new IllegalArgumentException("entry names row " + row + " of x [" + x.length / inputs + ", "
                        + inputs + "] and y [" + y.length / outputs + ", " + outputs + "]");
            }
        }
    }

    /// Every module of every segment, cut into runs of entries; in the order of the segments.
    private static List<Piece> pieces(LoraBatch batch, int layer, LoraPoint point, int inputs, int outputs) {
        List<Piece> pieces = new ArrayList<>();
        int shrunkAt = 0;
        for (int s = 0; s < batch.segments(); s++) {
            int first = batch.segmentStarts()[s];
            int end = batch.segmentStarts()[s + 1];
            if (first == end) {
                continue;
            }
            for (LoraModule module : batch.slots()[s].modules(layer, point)) {
                checkModule(module, layer, point, inputs, outputs);
                for (int from = first; from < end; from += SHRINK_ENTRIES) {
                    Piece piece = new Piece(module, from, Math.min(from + SHRINK_ENTRIES, end), shrunkAt);
                    pieces.add(piece);
                    shrunkAt = Math.addExact(shrunkAt, (piece.end() - from) * piece.paddedRank());
                }
            }
        }
        return pieces;
    }

    private static void checkModule(LoraModule module, int layer, LoraPoint point, int inputs, int outputs) {
        if (module.inputs() != inputs || (long) module.outputOffset() + module.outputs() > outputs) {
            throw new IllegalArgumentException("LoRA module [" + module.outputs() + " from " + module.outputOffset()
                    + ", " + module.inputs() + "] does not fit layer " + layer + " " + point + " [" + outputs + ", "
                    + inputs + "]");
        }
    }

    private void shrink(LoraBatch batch, Piece piece, float[] x) {
        LoraModule module = piece.module();
        int inputs = module.inputs();
        int stride = piece.paddedRank();
        float[] lanes = new float[LoraTiles.SHRINK_LANES];
        int e = piece.first();
        for (; e + 2 <= piece.end(); e += 2) {
            int xAt = batch.rows()[e] * inputs;
            int xAt2 = batch.rows()[e + 1] * inputs;
            int hAt = piece.shrunkAt(e);
            for (int r = 0; r < module.rank(); r += 4) {
                long at = module.aOffsetBytes() + r * module.aStrideBytes();
                LoraTiles.shrink2(
                        module.weights(),
                        at,
                        module.aStrideBytes(),
                        inputs,
                        x,
                        xAt,
                        xAt2,
                        lanes,
                        shrunk,
                        hAt + r,
                        hAt + stride + r);
            }
        }
        if (e < piece.end()) {
            int xAt = batch.rows()[e] * inputs;
            for (int r = 0; r < module.rank(); r += LoraModule.RANK_GROUP) {
                long at = module.aOffsetBytes() + r * module.aStrideBytes();
                LoraTiles.shrink(
                        module.weights(),
                        at,
                        module.aStrideBytes(),
                        inputs,
                        x,
                        xAt,
                        lanes,
                        shrunk,
                        piece.shrunkAt(e) + r);
            }
        }
    }

    /// Expands all pieces, in order, into the outputs `[first, end)`.
    private void expand(LoraBatch batch, List<Piece> pieces, float[] y, int outputs, int first, int end) {
        for (Piece piece : pieces) {
            LoraModule module = piece.module();
            int from = Math.max(first - module.outputOffset(), 0);
            int to = Math.min(end - module.outputOffset(), module.outputs());
            if (from >= to) {
                continue;
            }
            int e = piece.first();
            while (e < piece.end()) {
                boolean pair = e + 1 < piece.end() && batch.rows()[e] != batch.rows()[e + 1];
                if (pair) {
                    expandPair(batch, piece, e, y, outputs, from, to);
                } else {
                    expandOne(batch, piece, e, y, outputs, from, to);
                }
                e += pair ? 2 : 1;
            }
        }
    }

    private void expandPair(LoraBatch batch, Piece piece, int e, float[] y, int outputs, int from, int to) {
        LoraModule module = piece.module();
        int yAt = batch.rows()[e] * outputs + module.outputOffset();
        int yAt2 = batch.rows()[e + 1] * outputs + module.outputOffset();
        float factor = batch.scales()[e] * module.scaling();
        float factor2 = batch.scales()[e + 1] * module.scaling();
        int hAt = piece.shrunkAt(e);
        int hAt2 = piece.shrunkAt(e + 1);
        long stride = module.bStrideBytes();
        int j = from;
        for (; j + LoraTiles.EXPAND_2 <= to; j += LoraTiles.EXPAND_2) {
            long at = module.bOffsetBytes() + (long) j * Bf16.BYTES;
            LoraTiles.expand2(
                    module.weights(),
                    at,
                    stride,
                    module.rank(),
                    shrunk,
                    hAt,
                    hAt2,
                    factor,
                    factor2,
                    y,
                    yAt + j,
                    yAt2 + j);
        }
        expandRest(piece, hAt, factor, y, yAt, j, to);
        expandRest(piece, hAt2, factor2, y, yAt2, j, to);
    }

    private void expandOne(LoraBatch batch, Piece piece, int e, float[] y, int outputs, int from, int to) {
        LoraModule module = piece.module();
        int yAt = batch.rows()[e] * outputs + module.outputOffset();
        float factor = batch.scales()[e] * module.scaling();
        int hAt = piece.shrunkAt(e);
        int j = from;
        for (; j + LoraTiles.EXPAND_1 <= to; j += LoraTiles.EXPAND_1) {
            long at = module.bOffsetBytes() + (long) j * Bf16.BYTES;
            LoraTiles.expand(
                    module.weights(), at, module.bStrideBytes(), module.rank(), shrunk, hAt, factor, y, yAt + j);
        }
        expandRest(piece, hAt, factor, y, yAt, j, to);
    }

    private void expandRest(Piece piece, int hAt, float factor, float[] y, int yAt, int from, int to) {
        LoraModule module = piece.module();
        long at = module.bOffsetBytes() + (long) from * Bf16.BYTES;
        LoraTiles.expandRest(
                module.weights(),
                at,
                module.bStrideBytes(),
                module.rank(),
                shrunk,
                hAt,
                factor,
                y,
                yAt + from,
                to - from);
    }

    /// The entries `[first, end)` of one segment with one of its modules; their shrunk rows stand from `shrunkAt`
    /// on.
    private record Piece(LoraModule module, int first, int end, int shrunkAt) {
        int paddedRank() {
            return Shapes.roundUp(module.rank(), LoraModule.RANK_GROUP);
        }

        int shrunkAt(int entry) {
            return shrunkAt + (entry - first) * paddedRank();
        }

        long macs() {
            return (long) (end - first) * module.rank() * (module.inputs() + module.outputs());
        }
    }
}
