package org.openlora.kernels;

import static org.openlora.kernels.Lanes.COUNT;
import static org.openlora.kernels.Lanes.FLOATS;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import jdk.incubator.vector.FloatVector;

/// Causal attention over a paged bf16 KV cache, with grouped queries: query head `h` uses KV head
/// `h / (heads / kvHeads)`.
///
/// For each row and head, over the positions `t` that the row attends to:
/// `out = Σₜ softmaxₜ(scale · q·k[t]) · v[t]`, in f32.
///
/// A work item is a row and a KV head, with all query heads of its group: keys and values are read once for the group.
/// It makes two passes, all scores and then all values, in ascending position; nothing about it depends on the other
/// rows of the batch. So a row has the same bits alone and in any batch, and a prompt has the same bits in one piece and
/// in chunks: what is written is what the position asks for, whichever step asks.
public final class PagedAttention {
    private final WorkerPool pool;
    private final KvLayout layout;
    private final int heads;
    private final int group;
    private final Scratch[] scratch;

    /// Attention with `heads` query heads.
    ///
    /// @throws IllegalArgumentException if `heads` is not a multiple of the layout's KV heads
    public PagedAttention(WorkerPool pool, KvLayout layout, int heads) {
        Shapes.positive("heads", heads);
        if (heads % layout.kvHeads() != 0) {
            throw new IllegalArgumentException("heads is " + heads + ", must be a multiple of " + layout.kvHeads()
                    + " KV heads");
        }
        this.pool = pool;
        this.layout = layout;
        this.heads = heads;
        this.group = heads / layout.kvHeads();
        this.scratch = new Scratch[pool.threads()];
        Arrays.setAll(scratch, _ -> new Scratch());
    }

    /// Rounds the keys and values of a step to bf16 and stores them.
    ///
    /// @param slotMapping per row `block · blockTokens + token in block`, or -1 for a row that is not stored
    /// @param k rows of `kStride` floats, `kvHeads · headDim` of them from `kOffset` on; `v` likewise
    public void write(
            KvPages pages,
            int layer,
            int[] slotMapping,
            float[] k,
            int kStride,
            int kOffset,
            float[] v,
            int vStride,
            int vOffset) {
        checkPages(pages, layer);
        int width = layout.kvHeads() * layout.headDim();
        Shapes.strided("k", k, slotMapping.length, kStride, kOffset, width);
        Shapes.strided("v", v, slotMapping.length, vStride, vOffset, width);
        for (int row = 0; row < slotMapping.length; row++) {
            int slot = slotMapping[row];
            if (slot < -1 || slot >= (long) pages.blocks() * layout.blockTokens()) {
                throw new IllegalArgumentException("slot " + slot + " of row " + row + " is not in the "
                        + pages.blocks() + " blocks of " + layout.blockTokens() + " tokens");
            }
            if (slot >= 0) {
                store(pages, layer, slot, k, row * kStride + kOffset, v, row * vStride + vOffset);
            }
        }
    }

    /// Attends for every row of `batch`; the row's own key and value must have been written.
    ///
    /// @param q rows of `qStride` floats, `heads · headDim` of them from `qOffset` on
    /// @param scale factor on the scores, usually `1 / √headDim`
    /// @param out `[rows, heads · headDim]`, overwritten
    public void attend(
            KvPages pages,
            int layer,
            AttentionBatch batch,
            float[] q,
            int qStride,
            int qOffset,
            float scale,
            float[] out) {
        checkPages(pages, layer);
        int rows = batch.rows();
        Shapes.strided("q", q, rows, qStride, qOffset, heads * layout.headDim());
        Shapes.matrix("out", out, rows, heads * layout.headDim());
        checkBlocks(pages, batch);
        if (!(scale > 0)) {
            throw new IllegalArgumentException("scale is " + scale + ", must be positive");
        }
        int items = rows * layout.kvHeads();
        AtomicInteger next = new AtomicInteger();
        pool.run(Math.min(scratch.length, items), worker -> {
            for (int item = next.getAndIncrement(); item < items; item = next.getAndIncrement()) {
                // The last rows of a chunk have the longest context: begin with them.
                int row = rows - 1 - item / layout.kvHeads();
                int kvHead = item % layout.kvHeads();
                int queries = row * qStride + qOffset + kvHead * group * layout.headDim();
                attendRow(pages, layer, batch, row, kvHead, q, queries, scale, out, scratch[worker]);
            }
        });
    }

    private void attendRow(
            KvPages pages,
            int layer,
            AttentionBatch batch,
            int row,
            int kvHead,
            float[] q,
            int queries,
            float scale,
            float[] out,
            Scratch work) {
        int blockTokens = layout.blockTokens();
        int first = batch.firstPosition(row);
        int last = batch.positions()[row];
        int firstBlock = first / blockTokens;
        int blocks = last / blockTokens - firstBlock + 1;
        int stride = Shapes.roundUp(blocks * blockTokens, COUNT) + Lanes.PANEL;
        int[] table = batch.blockTables()[batch.sequences()[row]];
        work.reset(group, stride, layout.valuePanels() * Lanes.PANEL, blocks * blockTokens + Lanes.PANEL);

        for (int b = 0; b < blocks; b++) {
            PanelTiles.multiply(
                    pages.memory(),
                    layout.keyOffset(table[firstBlock + b], layer, kvHead),
                    layout.keyPanelBytes(),
                    layout.keyPanels(),
                    layout.headDim(),
                    q,
                    queries,
                    layout.headDim(),
                    group,
                    work.scores,
                    b * blockTokens,
                    stride);
        }
        int from = first - firstBlock * blockTokens;
        int to = last - firstBlock * blockTokens + 1;
        for (int g = 0; g < group; g++) {
            work.sums[g] = softmaxNumerators(work.scores, g * stride, from, to, scale, work.lanes);
        }
        weighValues(pages, layer, kvHead, table, firstBlock, from, to, stride, work);
        int outAt = (row * heads + kvHead * group) * layout.headDim();
        for (int g = 0; g < group; g++) {
            divide(work.values, g * layout.valuePanels() * Lanes.PANEL, work.sums[g], out,
                    outAt + g * layout.headDim());
        }
    }

    /// Sums the values of tokens `[from, to)`, counted from the first block, with the weights in `work.scores`.
    private void weighValues(
            KvPages pages, int layer, int kvHead, int[] table, int firstBlock, int from, int to, int stride,
            Scratch work) {
        int blockTokens = layout.blockTokens();
        for (int block = 0; block * blockTokens < to; block++) {
            int begin = Math.max(from, block * blockTokens);
            int end = Math.min(to, (block + 1) * blockTokens);
            long skipped = (long) (begin - block * blockTokens) * PanelTiles.STEP_BYTES;
            PanelTiles.multiply(
                    pages.memory(),
                    layout.valueOffset(table[firstBlock + block], layer, kvHead) + skipped,
                    layout.valuePanelBytes(),
                    layout.valuePanels(),
                    end - begin,
                    work.scores,
                    begin,
                    stride,
                    group,
                    work.values,
                    0,
                    layout.valuePanels() * Lanes.PANEL);
        }
    }

    /// Replaces scores `[from, to)` of a row by `e^(scale · (score − max))` and returns their sum. What stands around
    /// them up to the next whole vectors is overwritten: it takes part as weight e⁻⁸⁷, too small to change the sum.
    private static float softmaxNumerators(float[] scores, int at, int from, int to, float scale, float[] lanes) {
        int begin = from / COUNT * COUNT;
        int end = Shapes.roundUp(to, COUNT);
        Arrays.fill(scores, at + begin, at + from, Float.NEGATIVE_INFINITY);
        Arrays.fill(scores, at + to, at + end, Float.NEGATIVE_INFINITY);
        FloatVector max = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
        for (int t = begin; t < end; t += COUNT) {
            FloatVector scaled = FloatVector.fromArray(FLOATS, scores, at + t).mul(scale);
            scaled.intoArray(scores, at + t);
            max = max.max(scaled);
        }
        max.intoArray(lanes, 0);
        float highest = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < COUNT; i++) {
            highest = Math.max(highest, lanes[i]);
        }
        FloatVector sums = FloatVector.zero(FLOATS);
        for (int t = begin; t < end; t += COUNT) {
            FloatVector weights = VectorMath.exp(FloatVector.fromArray(FLOATS, scores, at + t).sub(highest));
            weights.intoArray(scores, at + t);
            sums = sums.add(weights);
        }
        sums.intoArray(lanes, 0);
        return Lanes.sum(lanes, 0, COUNT);
    }

    private void divide(float[] values, int at, float sum, float[] out, int outAt) {
        for (int d = 0; d < layout.headDim(); d++) {
            out[outAt + d] = values[at + d] / sum;
        }
    }

    private void store(KvPages pages, int layer, int slot, float[] k, int kAt, float[] v, int vAt) {
        MemorySegment memory = pages.memory();
        int block = slot / layout.blockTokens();
        int token = slot % layout.blockTokens();
        for (int head = 0; head < layout.kvHeads(); head++) {
            long keys = layout.keyOffset(block, layer, head);
            long values = layout.valueOffset(block, layer, head);
            int at = head * layout.headDim();
            for (int d = 0; d < layout.headDim(); d++) {
                memory.set(LoraModule.BF16, keys + layout.keyElement(token, d), Bf16.fromFloat(k[kAt + at + d]));
                memory.set(LoraModule.BF16, values + layout.valueElement(token, d), Bf16.fromFloat(v[vAt + at + d]));
            }
        }
    }

    private void checkPages(KvPages pages, int layer) {
        if (!pages.layout().equals(layout)) {
            throw new IllegalArgumentException("pages have " + pages.layout() + ", needs " + layout);
        }
        if (layer < 0 || layer >= layout.layers()) {
            throw new IllegalArgumentException("layer " + layer + " is not in [0, " + layout.layers() + ")");
        }
    }

    /// Every block that is going to be read exists.
    private void checkBlocks(KvPages pages, AttentionBatch batch) {
        for (int row = 0; row < batch.rows(); row++) {
            int sequence = batch.sequences()[row];
            int[] table = batch.blockTables()[sequence];
            int lastBlock = batch.positions()[row] / layout.blockTokens();
            if (lastBlock >= table.length) {
                throw new IllegalArgumentException("block table of sequence " + sequence + " has " + table.length
                        + " blocks, position " + batch.positions()[row] + " needs " + (lastBlock + 1));
            }
            // Rows of one sequence usually follow each other: earlier rows have checked the earlier blocks.
            int checked = row > 0 && batch.sequences()[row - 1] == sequence
                            && batch.positions()[row - 1] <= batch.positions()[row]
                    ? batch.positions()[row - 1] / layout.blockTokens()
                    : batch.firstPosition(row) / layout.blockTokens();
            for (int b = checked; b <= lastBlock; b++) {
                if (table[b] < 0 || table[b] >= pages.blocks()) {
                    throw new IllegalArgumentException("block table of sequence " + sequence + " names block "
                            + table[b] + " of " + pages.blocks());
                }
            }
        }
    }

    /// One thread's working memory, grown as contexts grow.
    private static final class Scratch {
        private static final float[] EMPTY = {};

        float[] scores = EMPTY; // [group][stride]
        float[] values = EMPTY; // [group][headDim rounded up to whole panels]
        float[] sums = EMPTY; // [group]
        final float[] lanes = new float[COUNT];

        /// Makes room, and zeroes the sums that the tiles add to.
        void reset(int group, int stride, int valueWidth, int scoreWidth) {
            if (scores.length < group * stride) {
                scores = new float[Math.max(group * stride, 2 * scores.length)];
            }
            if (values.length < group * valueWidth) {
                values = new float[group * valueWidth];
            }
            if (sums.length < group) {
                sums = new float[group];
            }
            for (int g = 0; g < group; g++) {
                Arrays.fill(scores, g * stride, g * stride + scoreWidth, 0f);
            }
            Arrays.fill(values, 0, group * valueWidth, 0f);
        }
    }
}
