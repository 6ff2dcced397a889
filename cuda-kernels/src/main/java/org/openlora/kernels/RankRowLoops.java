package org.openlora.kernels;

import java.util.Arrays;

/// [LoraLayout#RANK_ROWS] by [LoraTiles], in f32 throughout: tiles of one row (few rows per adapter: BGMV) and of four
/// (many: a grouped GEMM).
final class RankRowLoops extends LoraLoops {
    private final float[][] sums; // by thread
    private float[] shrunk = {}; // per piece [entries][rank rounded up to whole groups]

    RankRowLoops(int threads) {
        sums = new float[threads][LoraTiles.LANES];
    }

    @Override
    void reserve(int shrunkSize) {
        if (shrunk.length < shrunkSize) {
            shrunk = Arrays.copyOf(shrunk, Math.max(shrunkSize, 2 * shrunk.length));
        }
    }

    @Override
    void shrink(int piece, int from, int to, int thread) {
        LoraModule module = plan().module(piece);
        int inputs = module.inputs();
        long bytes = Shapes.roundUp(to - from, LoraModule.RANK_GROUP) / LoraModule.RANK_GROUP * module.aGroupBytes();
        Prefetch.ask(module.weights().address() + module.aElementBytes(from, 0), bytes);
        int e = plan().first(piece);
        for (; e + LoraTiles.ROWS <= plan().end(piece); e += LoraTiles.ROWS) {
            int hAt = plan().shrunkAt(piece, e);
            int hStride = plan().shrunkAt(piece, e + 1) - hAt;
            for (int r = from; r < to; r += LoraModule.RANK_GROUP) {
                LoraTiles.shrinkRows(
                        module.weights(),
                        module.aElementBytes(r, 0),
                        inputs,
                        x(),
                        row(e) * inputs,
                        row(e + 1) * inputs,
                        row(e + 2) * inputs,
                        row(e + 3) * inputs,
                        shrunk,
                        hAt + r,
                        hStride,
                        sums[thread]);
            }
        }
        for (; e < plan().end(piece); e++) {
            int hAt = plan().shrunkAt(piece, e);
            for (int r = from; r < to; r += LoraModule.RANK_GROUP) {
                long at = module.aElementBytes(r, 0);
                LoraTiles.shrinkRow(module.weights(), at, inputs, x(), row(e) * inputs, shrunk, hAt + r, sums[thread]);
            }
        }
    }

    /// Panel by panel, so that a panel is read from memory once for all entries.
    @Override
    void expand(int piece, int first, int end, int from, int to, int thread) {
        LoraModule module = plan().module(piece);
        long bytes = Shapes.roundUp(to - from, LoraModule.PANEL) / LoraModule.PANEL * module.bPanelBytes();
        Prefetch.ask(module.weights().address() + module.bElementBytes(0, from), bytes);
        for (int j = from; j < to; j += LoraModule.PANEL) {
            int count = Math.min(LoraModule.PANEL, to - j);
            int e = first;
            for (; e + LoraTiles.ROWS <= end; e += LoraTiles.ROWS) {
                expandRows(piece, e, j, count, sums[thread]);
            }
            for (; e < end; e++) {
                for (int i = 0; i < count; i += LoraTiles.EXPAND_OUTPUTS) {
                    int width = Math.min(LoraTiles.EXPAND_OUTPUTS, count - i);
                    long at = module.bElementBytes(0, j + i);
                    LoraTiles.expandRow(
                            module.weights(), at, module.rank(), shrunk, plan().shrunkAt(piece, e), sums[thread]);
                    LoraTiles.add(sums[thread], 0, width, factor(module, e), y(), outputAt(module, e, j + i));
                }
            }
        }
    }

    private void expandRows(int piece, int e, int j, int count, float[] sums) {
        LoraModule module = plan().module(piece);
        int hAt = plan().shrunkAt(piece, e);
        int hStride = plan().shrunkAt(piece, e + 1) - hAt;
        for (int i = 0; i < count; i += LoraTiles.EXPAND_ROWS_OUTPUTS) {
            int width = Math.min(LoraTiles.EXPAND_ROWS_OUTPUTS, count - i);
            long at = module.bElementBytes(0, j + i);
            LoraTiles.expandRows(module.weights(), at, module.rank(), shrunk, hAt, hStride, sums);
            for (int row = 0; row < LoraTiles.ROWS; row++) {
                int sumsAt = row * LoraTiles.EXPAND_ROWS_OUTPUTS;
                LoraTiles.add(sums, sumsAt, width, factor(module, e + row), y(), outputAt(module, e + row, j + i));
            }
        }
    }

    @Override
    void addColumn(LoraModule module, int column, float factor, float[] y, int yAt) {
        reserve(module.rank());
        for (int r = 0; r < module.rank(); r++) {
            shrunk[r] = Bf16.toFloat(module.weights().get(LoraModule.BF16, module.aElementBytes(r, column)));
        }
        for (int j = 0; j < module.outputs(); j += LoraTiles.EXPAND_OUTPUTS) {
            int count = Math.min(LoraTiles.EXPAND_OUTPUTS, module.outputs() - j);
            LoraTiles.expandRow(module.weights(), module.bElementBytes(0, j), module.rank(), shrunk, 0, sums[0]);
            LoraTiles.add(sums[0], 0, count, factor, y, yAt + j);
        }
    }
}
