package org.openlora.kernels;

import static org.openlora.kernels.Lanes.COUNT;
import static org.openlora.kernels.Lanes.FLOATS;
import static org.openlora.kernels.Lanes.INTS;
import static org.openlora.kernels.Lanes.highHalves;
import static org.openlora.kernels.Lanes.lowHalves;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/// The inner loops of attention, over the pages of [KvLayout]. A tile is four queries wide: each widened key or
/// value serves four fused multiply-adds, and 8 accumulators hide their latency.
///
/// A score is one chain over the pairs of dimensions, low half first; a weighted value is one chain over ascending
/// tokens. So neither the number of queries nor that of tokens in a call changes a bit.
final class AttentionTiles {
    /// Queries of a tile.
    static final int QUERIES = 4;

    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

    private AttentionTiles() {}

    /// `scores[i · stride + at + t] = q[i] · k[t]` for four queries and the `L` tokens at `key0`, and at
    /// `at + L` for those at `key1`.
    ///
    /// @param step bytes from one pair of dimensions to the next, `pairs` of them
    /// @param q four queries from `qAt` on as `[2 · pairs][4]`, pairs in the order of the page
    static void scores(
            MemorySegment keys,
            long key0,
            long key1,
            long step,
            int pairs,
            float[] q,
            int qAt,
            float[] scores,
            int at,
            int stride) {
        FloatVector score00 = FloatVector.zero(FLOATS);
        FloatVector score01 = FloatVector.zero(FLOATS);
        FloatVector score10 = FloatVector.zero(FLOATS);
        FloatVector score11 = FloatVector.zero(FLOATS);
        FloatVector score20 = FloatVector.zero(FLOATS);
        FloatVector score21 = FloatVector.zero(FLOATS);
        FloatVector score30 = FloatVector.zero(FLOATS);
        FloatVector score31 = FloatVector.zero(FLOATS);
        for (int p = 0; p < pairs; p++) {
            int query = qAt + 2 * QUERIES * p;
            IntVector pair = IntVector.fromMemorySegment(INTS, keys, key0 + p * step, ORDER);
            FloatVector low0 = lowHalves(pair);
            FloatVector high0 = highHalves(pair);
            pair = IntVector.fromMemorySegment(INTS, keys, key1 + p * step, ORDER);
            FloatVector low1 = lowHalves(pair);
            FloatVector high1 = highHalves(pair);
            FloatVector input = FloatVector.broadcast(FLOATS, q[query]);
            score00 = input.fma(low0, score00);
            score01 = input.fma(low1, score01);
            input = FloatVector.broadcast(FLOATS, q[query + 1]);
            score10 = input.fma(low0, score10);
            score11 = input.fma(low1, score11);
            input = FloatVector.broadcast(FLOATS, q[query + 2]);
            score20 = input.fma(low0, score20);
            score21 = input.fma(low1, score21);
            input = FloatVector.broadcast(FLOATS, q[query + 3]);
            score30 = input.fma(low0, score30);
            score31 = input.fma(low1, score31);
            input = FloatVector.broadcast(FLOATS, q[query + 4]);
            score00 = input.fma(high0, score00);
            score01 = input.fma(high1, score01);
            input = FloatVector.broadcast(FLOATS, q[query + 5]);
            score10 = input.fma(high0, score10);
            score11 = input.fma(high1, score11);
            input = FloatVector.broadcast(FLOATS, q[query + 6]);
            score20 = input.fma(high0, score20);
            score21 = input.fma(high1, score21);
            input = FloatVector.broadcast(FLOATS, q[query + 7]);
            score30 = input.fma(high0, score30);
            score31 = input.fma(high1, score31);
        }
        score00.intoArray(scores, at);
        score01.intoArray(scores, at + COUNT);
        score10.intoArray(scores, at + stride);
        score11.intoArray(scores, at + stride + COUNT);
        score20.intoArray(scores, at + 2 * stride);
        score21.intoArray(scores, at + 2 * stride + COUNT);
        score30.intoArray(scores, at + 3 * stride);
        score31.intoArray(scores, at + 3 * stride + COUNT);
    }

    /// `sums[i · stride + at + j] = Σₜ weights[i · weightStride + weightAt + t] · v[t][j]` for four queries and the
    /// `2L` dimensions `j` of a panel, over `tokens` tokens.
    ///
    /// @param chunks where each [KvLayout#TOKENS_MULTIPLE] tokens begin, `offset` bytes before the panel
    /// @param step bytes from one token to the next
    static void weigh(
            MemorySegment pages,
            long[] chunks,
            long offset,
            long step,
            int tokens,
            float[] weights,
            int weightAt,
            int weightStride,
            float[] sums,
            int at,
            int stride) {
        int weight1 = weightAt + weightStride;
        int weight2 = weight1 + weightStride;
        int weight3 = weight2 + weightStride;
        FloatVector low0 = FloatVector.zero(FLOATS);
        FloatVector high0 = FloatVector.zero(FLOATS);
        FloatVector low1 = FloatVector.zero(FLOATS);
        FloatVector high1 = FloatVector.zero(FLOATS);
        FloatVector low2 = FloatVector.zero(FLOATS);
        FloatVector high2 = FloatVector.zero(FLOATS);
        FloatVector low3 = FloatVector.zero(FLOATS);
        FloatVector high3 = FloatVector.zero(FLOATS);
        for (int first = 0; first < tokens; first += KvLayout.TOKENS_MULTIPLE) {
            long values = chunks[first / KvLayout.TOKENS_MULTIPLE] + offset;
            int count = Math.min(KvLayout.TOKENS_MULTIPLE, tokens - first);
            for (int t = 0; t < count; t++) {
                IntVector pair = IntVector.fromMemorySegment(INTS, pages, values + t * step, ORDER);
                FloatVector low = lowHalves(pair);
                FloatVector high = highHalves(pair);
                FloatVector weight = FloatVector.broadcast(FLOATS, weights[weightAt + first + t]);
                low0 = weight.fma(low, low0);
                high0 = weight.fma(high, high0);
                weight = FloatVector.broadcast(FLOATS, weights[weight1 + first + t]);
                low1 = weight.fma(low, low1);
                high1 = weight.fma(high, high1);
                weight = FloatVector.broadcast(FLOATS, weights[weight2 + first + t]);
                low2 = weight.fma(low, low2);
                high2 = weight.fma(high, high2);
                weight = FloatVector.broadcast(FLOATS, weights[weight3 + first + t]);
                low3 = weight.fma(low, low3);
                high3 = weight.fma(high, high3);
            }
        }
        low0.intoArray(sums, at);
        high0.intoArray(sums, at + COUNT);
        low1.intoArray(sums, at + stride);
        high1.intoArray(sums, at + stride + COUNT);
        low2.intoArray(sums, at + 2 * stride);
        high2.intoArray(sums, at + 2 * stride + COUNT);
        low3.intoArray(sums, at + 3 * stride);
        high3.intoArray(sums, at + 3 * stride + COUNT);
    }
}
