package org.openlora.kernels;

import static org.openlora.kernels.Lanes.COUNT;
import static org.openlora.kernels.Lanes.FLOATS;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/// The attention of a run's queries over the splits merged so far, by the online softmax of
/// <https://arxiv.org/abs/1805.02867>: what was added under a smaller maximum is scaled down to the new one.
///
/// Splits are merged one by one in ascending order, so a query's bits do not depend on who attended to them. A
/// split that a query sees nothing of leaves its sums as they are.
final class AttentionSums {
    private final int width;
    private final float[] values; // [queries][width]
    private final float[] max; // [queries]
    private final float[] sum; // [queries]

    /// @param queries most queries
    /// @param width floats of a query's values, a multiple of L
    AttentionSums(int queries, int width) {
        this.width = width;
        this.values = new float[queries * width];
        this.max = new float[Shapes.roundUp(queries, COUNT)];
        this.sum = new float[max.length];
    }

    void clear(int queries) {
        Arrays.fill(values, 0, queries * width, 0f);
        Arrays.fill(max, AttentionSplit.LOWEST);
        Arrays.fill(sum, 0f);
    }

    /// Adds a split's results, which stand from `maxAt`, `sumAt` and `valuesAt` on.
    void merge(
            int queries, float[] splitMax, int maxAt, float[] splitSum, int sumAt, float[] splitValues, int valuesAt) {
        for (int i = 0; i < queries; i++) {
            float after = Math.max(max[i], splitMax[maxAt + i]);
            float keep = VectorMath.exp(max[i] - after);
            float take = VectorMath.exp(splitMax[maxAt + i] - after);
            max[i] = after;
            sum[i] = Math.fma(splitSum[sumAt + i], take, sum[i] * keep);
            scaleAndAdd(i * width, keep, splitValues, valuesAt + i * width, take);
        }
    }

    /// Writes the `headDim` results of query `i`: its values over their weights' sum.
    void write(int i, int headDim, float[] out, int at) {
        int from = i * width;
        int d = 0;
        for (; d + COUNT <= headDim; d += COUNT) {
            FloatVector.fromArray(FLOATS, values, from + d).div(sum[i]).intoArray(out, at + d);
        }
        for (; d < headDim; d++) {
            out[at + d] = values[from + d] / sum[i];
        }
    }

    private void scaleAndAdd(int at, float keeps, float[] added, int addedAt, float takes) {
        for (int d = 0; d < width; d += COUNT) {
            FloatVector.fromArray(FLOATS, added, addedAt + d)
                    .fma(
                            FloatVector.broadcast(FLOATS, takes),
                            FloatVector.fromArray(FLOATS, values, at + d).mul(keeps))
                    .intoArray(values, at + d);
        }
    }
}
