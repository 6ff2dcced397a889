package org.openlora.kernels;

import static org.openlora.kernels.Lanes.COUNT;
import static org.openlora.kernels.Lanes.FLOATS;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/// One thread's working memory of attention: the queries of a run and KV head, and the results of one split of
/// the context. For each query `i`: `max[i]` of its scores, `sum[i]` of the weights `e^(score − max)`, and
/// `values[i]`, the sum of the values with these weights.
///
/// A query that sees nothing of a split has max [#LOWEST], sum 0 and values 0.
final class AttentionSplit {
    /// Below every score; finite, so that the difference of two is never NaN.
    static final float LOWEST = -Float.MAX_VALUE;

    private static final int SPLIT = AttentionPlan.SPLIT_TOKENS;
    /// An odd last vector of tokens is computed with a twin behind it.
    private static final int SCORE_STRIDE = SPLIT + COUNT;
    /// Tokens whose values are sure to stand one after the other.
    private static final int TOKENS = KvLayout.TOKENS_MULTIPLE;

    private final KvLayout layout;
    private final int group;
    private final int width; // of a query's values: headDim rounded up to whole panels
    private final float[] queries; // [tiles][headDim][4]
    private final float[] scores; // [queries][SCORE_STRIDE]
    private final float[] lanes = new float[COUNT];
    private final long[] chunks = new long[SPLIT / TOKENS];

    /// `[queries][headDim rounded up to whole panels]`.
    final float[] values;
    /// Per query.
    final float[] max;
    /// Per query.
    final float[] sum;

    AttentionSplit(KvLayout layout, int group) {
        int most = Shapes.roundUp(AttentionPlan.RUN_ROWS * group, AttentionTiles.QUERIES);
        this.layout = layout;
        this.group = group;
        this.width = layout.valuePanels() * Lanes.PANEL;
        this.queries = new float[most * layout.headDim()];
        this.scores = new float[most * SCORE_STRIDE];
        this.values = new float[most * width];
        this.max = new float[Shapes.roundUp(most, COUNT)];
        this.sum = new float[max.length];
    }

    /// Takes over the query heads of a run's rows, times `scale`.
    ///
    /// @param at first float of the KV head's group in the first row
    void load(float[] q, int at, int stride, int rows, float scale) {
        int headDim = layout.headDim();
        int pairs = layout.keyPairs();
        int count = rows * group;
        Arrays.fill(queries, 0, Shapes.roundUp(count, AttentionTiles.QUERIES) * headDim, 0f);
        for (int i = 0; i < count; i++) {
            int from = at + i / group * stride + i % group * headDim;
            int to = i / AttentionTiles.QUERIES * AttentionTiles.QUERIES * headDim + i % AttentionTiles.QUERIES;
            for (int p = 0; p < pairs; p++) {
                queries[to + 2 * p * AttentionTiles.QUERIES] = q[from + p] * scale;
                queries[to + (2 * p + 1) * AttentionTiles.QUERIES] = q[from + pairs + p] * scale;
            }
        }
    }

    /// Attends to one split for the rows `[firstRow, endRow)`, a run whose queries are loaded.
    ///
    /// @param ahead asks for what comes next
    void attend(
            KvPages pages,
            int layer,
            int kvHead,
            AttentionBatch batch,
            int firstRow,
            int endRow,
            int split,
            AttentionAhead ahead) {
        int start = split * SPLIT;
        // From the beginning of a block on: tokens before a sliding window have weight zero.
        int begin = Math.max(batch.firstPosition(firstRow) - start, 0) / TOKENS * TOKENS;
        int end = Math.min(batch.positions()[endRow - 1] + 1 - start, SPLIT);
        int[] table = batch.blockTables()[batch.sequences()[firstRow]];
        int count = (endRow - firstRow) * group;
        int scorings = (end - begin + 2 * COUNT - 1) / (2 * COUNT);
        int weighings = layout.valuePanels() * ((count + AttentionTiles.QUERIES - 1) / AttentionTiles.QUERIES);
        ahead.divide(scorings + weighings);
        score(pages, layer, kvHead, table, start, begin, end, count, ahead);
        for (int i = 0; i < count; i++) {
            int row = firstRow + i / group;
            int from = Math.max(batch.firstPosition(row) - start, begin);
            int to = Math.min(batch.positions()[row] + 1 - start, end);
            softmax(i, from, Math.max(from, to), begin, end);
        }
        weigh(pages, layer, kvHead, table, start, begin, end, count, ahead);
    }

    private void score(
            KvPages pages,
            int layer,
            int kvHead,
            int[] table,
            int start,
            int begin,
            int end,
            int count,
            AttentionAhead ahead) {
        int tile = AttentionTiles.QUERIES * layout.headDim();
        for (int t = begin; t < end; t += 2 * COUNT) {
            ahead.ask();
            long key0 = keyOffset(layer, kvHead, table, start + t);
            long key1 = t + COUNT < end ? keyOffset(layer, kvHead, table, start + t + COUNT) : key0;
            for (int i = 0; i < count; i += AttentionTiles.QUERIES) {
                AttentionTiles.scores(
                        pages.memory(),
                        key0,
                        key1,
                        layout.keyStepBytes(),
                        layout.keyPairs(),
                        queries,
                        i / AttentionTiles.QUERIES * tile,
                        scores,
                        i * SCORE_STRIDE + t,
                        SCORE_STRIDE);
            }
        }
    }

    private long keyOffset(int layer, int kvHead, int[] table, int position) {
        int block = table[position / layout.blockTokens()];
        return layout.keyOffset(block, layer, kvHead, position % layout.blockTokens());
    }

    /// Turns the scores of query `i` at `[from, to)` into weights, and those of other tokens of the run into zero.
    ///
    /// Whole vectors are worked on; what stands in them beside `[from, to)` takes part as e⁻⁸⁷, too small to change
    /// the sum. Which lane adds a weight depends on its position alone.
    private void softmax(int i, int from, int to, int begin, int end) {
        int row = i * SCORE_STRIDE;
        if (from == to) {
            max[i] = LOWEST;
            sum[i] = 0;
            Arrays.fill(scores, row + begin, row + end, 0f);
            return;
        }
        int first = row + from / COUNT * COUNT;
        int last = row + Shapes.roundUp(to, COUNT);
        Arrays.fill(scores, first, row + from, Float.NEGATIVE_INFINITY);
        Arrays.fill(scores, row + to, last, Float.NEGATIVE_INFINITY);
        max[i] = highest(first, last);
        sum[i] = exponentials(first, last, max[i]);
        Arrays.fill(scores, row + begin, row + from, 0f);
        Arrays.fill(scores, row + to, row + end, 0f);
    }

    private float highest(int first, int last) {
        FloatVector highest = FloatVector.broadcast(FLOATS, LOWEST);
        for (int at = first; at < last; at += COUNT) {
            // Not FloatVector.max: its care for NaN and -0 takes several instructions.
            FloatVector score = FloatVector.fromArray(FLOATS, scores, at);
            highest = highest.blend(score, highest.lt(score));
        }
        highest.intoArray(lanes, 0);
        float result = LOWEST;
        for (int lane = 0; lane < COUNT; lane++) {
            result = Math.max(result, lanes[lane]);
        }
        return result;
    }

    private float exponentials(int first, int last, float highest) {
        FloatVector sums = FloatVector.zero(FLOATS);
        for (int at = first; at < last; at += COUNT) {
            FloatVector weights =
                    VectorMath.exp(FloatVector.fromArray(FLOATS, scores, at).sub(highest));
            weights.intoArray(scores, at);
            sums = sums.add(weights);
        }
        sums.intoArray(lanes, 0);
        return Lanes.sum(lanes, 0);
    }

    private void weigh(
            KvPages pages,
            int layer,
            int kvHead,
            int[] table,
            int start,
            int begin,
            int end,
            int count,
            AttentionAhead ahead) {
        for (int t = begin; t < end; t += TOKENS) {
            int block = table[(start + t) / layout.blockTokens()];
            chunks[(t - begin) / TOKENS] = layout.valueOffset(block, layer, kvHead, (start + t) % layout.blockTokens());
        }
        for (int panel = 0; panel < layout.valuePanels(); panel++) {
            for (int i = 0; i < count; i += AttentionTiles.QUERIES) {
                ahead.ask();
                AttentionTiles.weigh(
                        pages.memory(),
                        chunks,
                        panel * layout.valuePanelBytes(),
                        layout.valueStepBytes(),
                        end - begin,
                        scores,
                        i * SCORE_STRIDE + begin,
                        SCORE_STRIDE,
                        values,
                        i * width + panel * Lanes.PANEL,
                        width);
            }
        }
    }
}
