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
/// A work item is a run of up to four consecutive tokens of a sequence and a KV head, with all query heads of its
/// group: keys and values are read once for all of them. It makes two passes, all scores and then all values, in
/// ascending position. A token that only another row of the run sees has weight zero, which leaves a finite sum
/// as it is. So a row has the same bits alone and in any batch, and a prompt has the same bits in one piece and
/// in chunks.
public final class PagedAttention {
    /// Rows of one sequence that share a reading of its keys and values.
    private static final int RUN_ROWS = 4;

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
            throw new IllegalArgumentException(
                    "heads is " + heads + ", must be a multiple of " + layout.kvHeads() + " KV heads");
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
        int[] runs = runs(batch);
        int items = (runs.length - 1) * layout.kvHeads();
        AtomicInteger next = new AtomicInteger();
        pool.run(Math.min(scratch.length, items), worker -> {
            for (int item = next.getAndIncrement(); item < items; item = next.getAndIncrement()) {
                // The last rows of a chunk have the longest context: begin with them.
                int run = runs.length - 2 - item / layout.kvHeads();
                int kvHead = item % layout.kvHeads();
                Scratch work = scratch[worker];
                Run part = new Run(batch, runs[run], runs[run + 1], layout.blockTokens());
                for (int row = part.begin(); row < part.end(); row++) {
                    int from = row * qStride + qOffset + kvHead * group * layout.headDim();
                    work.addQueries(row - part.begin(), q, from, group * layout.headDim());
                }
                attendRun(pages, layer, part, kvHead, scale, out, work);
            }
        });
    }

    /// Borders of the runs: rows that follow each other in one sequence, at most [#RUN_ROWS].
    private static int[] runs(AttentionBatch batch) {
        int[] borders = new int[batch.rows() + 1];
        int runs = 0;
        for (int row = 1; row <= batch.rows(); row++) {
            boolean follows = row < batch.rows()
                    && row - borders[runs] < RUN_ROWS
                    && batch.sequences()[row] == batch.sequences()[row - 1]
                    && batch.positions()[row] == batch.positions()[row - 1] + 1;
            if (!follows) {
                borders[++runs] = row;
            }
        }
        return Arrays.copyOf(borders, runs + 1);
    }

    private void attendRun(KvPages pages, int layer, Run run, int kvHead, float scale, float[] out, Scratch work) {
        int rows = run.end() - run.begin();
        int stride = run.scoreStride();
        int valueWidth = layout.valuePanels() * Lanes.PANEL;
        work.zero(rows * group, stride, valueWidth);
        for (int b = 0; b < run.blocks(); b++) {
            PanelTiles.multiply(
                    pages.memory(),
                    layout.keyOffset(run.block(b), layer, kvHead),
                    layout.keyPanelBytes(),
                    layout.keyPanels(),
                    layout.headDim(),
                    work.queries,
                    0,
                    layout.headDim(),
                    rows * group,
                    work.scores,
                    run.blockStart(b),
                    stride);
        }
        for (int i = 0; i < rows * group; i++) {
            int row = run.begin() + i / group;
            int from = run.from(row);
            int to = run.to(row);
            work.sums[i] = softmaxNumerators(work.scores, i * stride, from, to, scale, work.lanes);
            // Tokens that other rows of the run see and this one does not.
            Arrays.fill(work.scores, i * stride, i * stride + from, 0f);
            Arrays.fill(work.scores, i * stride + to, (i + 1) * stride, 0f);
        }
        weighValues(pages, layer, kvHead, run, work);
        for (int i = 0; i < rows * group; i++) {
            int head = kvHead * group + i % group;
            int outAt = ((run.begin() + i / group) * heads + head) * layout.headDim();
            divide(work.values, i * valueWidth, work.sums[i], out, outAt);
        }
    }

    /// Sums the values of the run's tokens with the weights in `work.scores`.
    private void weighValues(KvPages pages, int layer, int kvHead, Run run, Scratch work) {
        int from = run.from(run.begin());
        int to = run.to(run.end() - 1);
        for (int b = 0; b < run.blocks(); b++) {
            int begin = Math.max(from, run.blockStart(b));
            int end = Math.min(to, run.blockStart(b + 1));
            long skippedBytes = (long) (begin - run.blockStart(b)) * PanelTiles.STEP_BYTES;
            PanelTiles.multiply(
                    pages.memory(),
                    layout.valueOffset(run.block(b), layer, kvHead) + skippedBytes,
                    layout.valuePanelBytes(),
                    layout.valuePanels(),
                    end - begin,
                    work.scores,
                    begin,
                    run.scoreStride(),
                    (run.end() - run.begin()) * group,
                    work.values,
                    0,
                    layout.valuePanels() * Lanes.PANEL);
        }
    }

    /// Replaces scores `[from, to)` of a row by `e^(scale · (score − max))` and returns their sum. What stands
    /// around them up to the next whole vectors is overwritten: it takes part as weight e⁻⁸⁷, too small to change
    /// the sum.
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
            FloatVector weights =
                    VectorMath.exp(FloatVector.fromArray(FLOATS, scores, at + t).sub(highest));
            weights.intoArray(scores, at + t);
            sums = sums.add(weights);
        }
        sums.intoArray(lanes, 0);
        return Lanes.sum(lanes, 0);
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
            long key = keys + layout.keyElement(token, 0);
            for (int d = 0; d < layout.headDim(); d++) {
                memory.set(LoraModule.BF16, key, Bf16.fromFloat(k[kAt + at + d]));
                key += PanelTiles.STEP_BYTES;
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
            int checked = row > 0
                            && batch.sequences()[row - 1] == sequence
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

    /// Rows `[begin, end)` of a batch, at consecutive positions of one sequence, and where their scores stand.
    ///
    /// The score of position `t` stands at `t - origin`, where `origin` is a multiple of L: which lane of a
    /// vector adds a weight then depends on the position alone, not on where the run or its window begins.
    private record Run(AttentionBatch batch, int begin, int end, int blockTokens) {
        /// Blocks from the first that the first row sees to that of the last row.
        int blocks() {
            return batch.positions()[end - 1] / blockTokens - firstBlock() + 1;
        }

        int block(int index) {
            return batch.blockTables()[batch.sequences()[begin]][firstBlock() + index];
        }

        int blockStart(int index) {
            return (firstBlock() + index) * blockTokens - origin();
        }

        int from(int row) {
            return batch.firstPosition(row) - origin();
        }

        int to(int row) {
            return batch.positions()[row] + 1 - origin();
        }

        /// Room for all blocks, for the padding of the last one's panels and for a last whole vector.
        int scoreStride() {
            return blockStart(blocks()) + Lanes.PANEL + COUNT;
        }

        private int firstBlock() {
            return batch.firstPosition(begin) / blockTokens;
        }

        private int origin() {
            return firstBlock() * blockTokens / COUNT * COUNT;
        }
    }

    /// One thread's working memory, grown as contexts grow; `tiles` are the rows of a run times its query heads.
    private static final class Scratch {
        private static final float[] EMPTY = {};

        float[] queries = EMPTY; // [tiles][headDim]
        float[] scores = EMPTY; // [tiles][score stride]
        float[] values = EMPTY; // [tiles][headDim rounded up to whole panels]
        float[] sums = EMPTY; // [tiles]
        final float[] lanes = new float[COUNT];

        /// Copies the query heads of row `index` of a run.
        void addQueries(int index, float[] q, int from, int width) {
            if (queries.length < RUN_ROWS * width) {
                queries = new float[RUN_ROWS * width];
            }
            System.arraycopy(q, from, queries, index * width, width);
        }

        /// Makes room, and zeroes the sums that the tiles add to.
        void zero(int tiles, int stride, int valueWidth) {
            if (scores.length < tiles * stride) {
                scores = new float[Math.max(tiles * stride, 2 * scores.length)];
            }
            if (values.length < tiles * valueWidth) {
                values = new float[tiles * valueWidth];
            }
            if (sums.length < tiles) {
                sums = new float[tiles];
            }
            Arrays.fill(scores, 0, tiles * stride, 0f);
            Arrays.fill(values, 0, tiles * valueWidth, 0f);
        }
    }
}
