package org.openlora.kernels;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;

/// Causal attention over a paged bf16 KV cache, with grouped queries: query head `h` uses KV head
/// `h / (heads / kvHeads)`.
///
/// For each row and head, over the positions `t` that the row attends to:
/// `out = Σₜ softmaxₜ(scale · q·k[t]) · v[t]`, in f32.
///
/// [AttentionPlan] cuts the work into runs of consecutive rows and splits of the context, [AttentionSplit] attends
/// to a split, [AttentionSums] merges splits. A token that only another row of the run sees has weight zero, which
/// leaves a finite sum as it is. So a row has the same bits alone and in any batch, and a prompt has the same bits
/// in one piece and in chunks; and one long context alone keeps all threads busy.
///
/// Working memory does not grow with the context, but for the results of splits that are shared out: a few floats
/// for each split and query. Used by one thread at a time; a call allocates one small object, and more only where
/// that memory grows.
public final class PagedAttention {
    /// Keys below which other threads are left alone.
    private static final long MIN_PARALLEL_TOKENS = 192;

    private final WorkerPool pool;
    private final KvLayout layout;
    private final int heads;
    private final int group;
    private final int width; // floats of a query's values: whole panels
    private final int maxQueries; // of a run: whole vectors
    private final AttentionPlan plan = new AttentionPlan();
    private final AttentionSplit[] splits; // per thread
    private final AttentionSums[] sums; // per thread
    private final AttentionAhead[] aheads; // per thread
    private final KvWriter writer;
    private final AtomicInteger nextUnit = new AtomicInteger();
    private float[] results = {}; // per kept split [max | sum | values]

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
        this.width = layout.valuePanels() * Lanes.PANEL;
        this.maxQueries = Shapes.roundUp(AttentionPlan.RUN_ROWS * group, Lanes.COUNT);
        this.splits = new AttentionSplit[pool.threads()];
        Arrays.setAll(splits, _ -> new AttentionSplit(layout, group));
        this.sums = new AttentionSums[pool.threads()];
        Arrays.setAll(sums, _ -> new AttentionSums(maxQueries, width));
        this.aheads = new AttentionAhead[pool.threads()];
        Arrays.setAll(aheads, _ -> new AttentionAhead(layout));
        this.writer = new KvWriter(layout);
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
        int floats = layout.kvHeads() * layout.headDim();
        Shapes.strided("k", k, slotMapping.length, kStride, kOffset, floats);
        Shapes.strided("v", v, slotMapping.length, vStride, vOffset, floats);
        for (int row = 0; row < slotMapping.length; row++) {
            if (slotMapping[row] < -1 || slotMapping[row] >= (long) pages.blocks() * layout.blockTokens()) {
                throw new IllegalArgumentException("slot " + slotMapping[row] + " of row " + row + " is not in the "
                        + pages.blocks() + " blocks of " + layout.blockTokens() + " tokens");
            }
        }
        for (int row = 0; row < slotMapping.length; row++) {
            if (slotMapping[row] >= 0) {
                writeRow(pages, layer, slotMapping[row], k, row * kStride + kOffset, v, row * vStride + vOffset);
            }
        }
    }

    private void writeRow(KvPages pages, int layer, int slot, float[] k, int kAt, float[] v, int vAt) {
        int block = slot / layout.blockTokens();
        int token = slot % layout.blockTokens();
        for (int head = 0; head < layout.kvHeads(); head++) {
            int at = head * layout.headDim();
            writer.writeKey(pages.memory(), layout.keyOffset(block, layer, head, token), k, kAt + at);
            writer.writeValue(pages.memory(), layout.valueOffset(block, layer, head, token), v, vAt + at);
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
        plan.build(batch, layout.kvHeads(), pool.threads());
        int floats = Math.multiplyExact(plan.results(), resultFloats());
        if (results.length < floats) {
            results = new float[Math.max(floats, 2 * results.length)];
        }
        nextUnit.set(0);
        Call call = new Call(pages, layer, batch, q, qStride, qOffset, scale, out);
        if (plan.tokens() < MIN_PARALLEL_TOKENS) {
            attendUnits(call, 0);
        } else {
            pool.run(Math.min(splits.length, plan.units()), worker -> attendUnits(call, worker));
        }
        mergeResults(call);
    }

    /// Takes units as long as there are any, each before it is done with the one before.
    private void attendUnits(Call call, int worker) {
        AttentionAhead ahead = aheads[worker];
        int unit = nextUnit.getAndIncrement();
        if (unit < plan.units()) {
            aim(ahead, call, unit, plan.firstSplit(unit));
            ahead.divide(1);
            ahead.ask();
        }
        while (unit < plan.units()) {
            int following = nextUnit.getAndIncrement();
            attendUnit(call, unit, following, splits[worker], sums[worker], ahead);
            unit = following;
        }
    }

    private void aim(AttentionAhead ahead, Call call, int unit, int split) {
        int firstRow = plan.firstRow(plan.run(unit));
        int lastRow = plan.endRow(plan.run(unit)) - 1;
        AttentionBatch batch = call.batch();
        int start = split * AttentionPlan.SPLIT_TOKENS;
        ahead.aim(
                call.pages(),
                call.layer(),
                plan.kvHead(unit),
                batch.blockTables()[batch.sequences()[firstRow]],
                Math.max(batch.firstPosition(firstRow), start),
                Math.min(batch.positions()[lastRow] + 1, start + AttentionPlan.SPLIT_TOKENS));
    }

    private void attendUnit(
            Call call, int unit, int following, AttentionSplit split, AttentionSums merged, AttentionAhead ahead) {
        int firstRow = plan.firstRow(plan.run(unit));
        int endRow = plan.endRow(plan.run(unit));
        int kvHead = plan.kvHead(unit);
        int queries = (endRow - firstRow) * group;
        int from = firstRow * call.qStride() + call.qOffset() + kvHead * group * layout.headDim();
        split.load(call.q(), from, call.qStride(), endRow - firstRow, call.scale());
        boolean keep = plan.resultAt(unit) != AttentionPlan.MERGED_AT_ONCE;
        int resultAt = plan.resultAt(unit) * resultFloats();
        if (!keep) {
            merged.clear(queries);
        }
        for (int s = plan.firstSplit(unit); s < plan.endSplit(unit); s++) {
            if (s + 1 < plan.endSplit(unit)) {
                aim(ahead, call, unit, s + 1);
            } else if (following < plan.units()) {
                aim(ahead, call, following, plan.firstSplit(following));
            } else {
                ahead.rest();
            }
            split.attend(call.pages(), call.layer(), kvHead, call.batch(), firstRow, endRow, s, ahead);
            if (keep) {
                System.arraycopy(split.max, 0, results, resultAt, queries);
                System.arraycopy(split.sum, 0, results, resultAt + maxQueries, queries);
                System.arraycopy(split.values, 0, results, resultAt + 2 * maxQueries, queries * width);
                resultAt += resultFloats();
            } else {
                merged.merge(queries, split.max, 0, split.sum, 0, split.values, 0);
            }
        }
        if (!keep) {
            writeOut(merged, firstRow, endRow, kvHead, call.out());
        }
    }

    /// Merges what was kept; the units of a run and KV head follow each other in the order of their splits.
    private void mergeResults(Call call) {
        AttentionSums merged = sums[0];
        for (int unit = 0; unit < plan.units(); unit++) {
            if (plan.resultAt(unit) == AttentionPlan.MERGED_AT_ONCE) {
                continue;
            }
            int firstRow = plan.firstRow(plan.run(unit));
            int endRow = plan.endRow(plan.run(unit));
            int queries = (endRow - firstRow) * group;
            if (!continues(unit - 1, unit)) {
                merged.clear(queries);
            }
            for (int s = 0; s < plan.endSplit(unit) - plan.firstSplit(unit); s++) {
                int at = (plan.resultAt(unit) + s) * resultFloats();
                merged.merge(queries, results, at, results, at + maxQueries, results, at + 2 * maxQueries);
            }
            if (!continues(unit, unit + 1)) {
                writeOut(merged, firstRow, endRow, plan.kvHead(unit), call.out());
            }
        }
    }

    private boolean continues(int unit, int following) {
        return unit >= 0
                && following < plan.units()
                && plan.run(unit) == plan.run(following)
                && plan.kvHead(unit) == plan.kvHead(following);
    }

    private void writeOut(AttentionSums merged, int firstRow, int endRow, int kvHead, float[] out) {
        for (int i = 0; i < (endRow - firstRow) * group; i++) {
            int head = kvHead * group + i % group;
            merged.write(i, layout.headDim(), out, ((firstRow + i / group) * heads + head) * layout.headDim());
        }
    }

    private int resultFloats() {
        return 2 * maxQueries + maxQueries * width;
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

    /// Operands of a call of [#attend].
    @SuppressWarnings("ArrayRecordComponent") // Lives as long as the call; never compared.
    private record Call(
            KvPages pages,
            int layer,
            AttentionBatch batch,
            float[] q,
            int qStride,
            int qOffset,
            float scale,
            float[] out) {}
}
