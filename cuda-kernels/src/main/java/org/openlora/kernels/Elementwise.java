package org.openlora.kernels;

import static org.openlora.kernels.Lanes.COUNT;
import static org.openlora.kernels.Lanes.FLOATS;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/// Row-wise operations between the dense layers, all f32. Each row is computed alone and in one order, so its
/// bits do not depend on the other rows or on the pool's size.
public final class Elementwise {
    /// Least floats of a task: about as long in coming as another thread is in noticing.
    private static final int FLOATS_PER_TASK = 4 * 1024;
    private static final int TASKS_PER_THREAD = 4;

    private final WorkerPool pool;

    /// Operations that run on `pool` where they are large enough.
    public Elementwise(WorkerPool pool) {
        this.pool = pool;
    }

    /// Root-mean-square norm: `out[r][i] = x[r][i] / √(mean(x[r]²) + eps) · weight[i]`; `out` may be `x`.
    ///
    /// @param x `[rows, width]`
    /// @param weight `[width]`
    /// @param out `[rows, width]`, overwritten
    public void rmsNorm(float[] x, int rows, int width, float[] weight, float eps, float[] out) {
        Shapes.matrix("x", x, rows, width);
        Shapes.matrix("weight", weight, 1, width);
        Shapes.matrix("out", out, rows, width);
        forRows(rows, width, row -> norm(x, row * width, width, weight, eps, out, row * width));
    }

    /// The norm of [#rmsNorm] on each of `heads` consecutive heads of `headDim` floats, in place.
    ///
    /// @param buffer `rows` rows of `stride` floats; the heads begin at `offset` of each
    /// @param weight `[headDim]`, shared by all heads
    public void rmsNormHeads(
            float[] buffer, int rows, int stride, int offset, int heads, int headDim, float[] weight, float eps) {
        Shapes.strided("buffer", buffer, rows, stride, offset, heads * headDim);
        Shapes.matrix("weight", weight, 1, headDim);
        forRows(rows, heads * headDim, row -> {
            for (int head = 0; head < heads; head++) {
                int at = row * stride + offset + head * headDim;
                norm(buffer, at, headDim, weight, eps, buffer, at);
            }
        });
    }

    /// `y[i] += x[i]` for `i < n`.
    public void addInPlace(float[] y, float[] x, int n) {
        Shapes.matrix("y", y, 1, n);
        Shapes.matrix("x", x, 1, n);
        int tasks = tasks(n);
        if (tasks == 1) {
            add(y, x, 0, n);
        } else {
            pool.run(tasks, task -> add(y, x, (int) ((long) n * task / tasks), (int) ((long) n * (task + 1) / tasks)));
        }
    }

    private static void add(float[] y, float[] x, int begin, int end) {
        int i = begin;
        for (; i + COUNT <= end; i += COUNT) {
            FloatVector.fromArray(FLOATS, y, i)
                    .add(FloatVector.fromArray(FLOATS, x, i))
                    .intoArray(y, i);
        }
        for (; i < end; i++) {
            y[i] += x[i];
        }
    }

    /// `y[r][i] += bias[i]`.
    ///
    /// @param y `[rows, width]`, changed in place
    /// @param bias `[width]`
    public void addBias(float[] y, int rows, int width, float[] bias) {
        Shapes.matrix("y", y, rows, width);
        Shapes.matrix("bias", bias, 1, width);
        for (int row = 0; row < rows; row++) {
            int at = row * width;
            int i = 0;
            for (; i + COUNT <= width; i += COUNT) {
                FloatVector.fromArray(FLOATS, y, at + i)
                        .add(FloatVector.fromArray(FLOATS, bias, i))
                        .intoArray(y, at + i);
            }
            for (; i < width; i++) {
                y[at + i] += bias[i];
            }
        }
    }

    /// The gate of a SwiGLU MLP: `out[r][i] = silu(gate[r][i]) · up[r][i]` with `silu(g) = g / (1 + e⁻ᵍ)`.
    ///
    /// @param gateUp `[rows, 2 · width]`, each row gate | up
    /// @param out `[rows, width]`, overwritten
    public void siluMul(float[] gateUp, int rows, int width, float[] out) {
        Shapes.matrix("gateUp", gateUp, rows, 2 * width);
        Shapes.matrix("out", out, rows, width);
        forRows(rows, 2 * width, row -> siluMulRow(gateUp, row * 2 * width, width, out, row * width));
    }

    private static void siluMulRow(float[] gateUp, int at, int width, float[] out, int outAt) {
        int upAt = at + width;
        int i = 0;
        for (; i + COUNT <= width; i += COUNT) {
            FloatVector gate = FloatVector.fromArray(FLOATS, gateUp, at + i);
            FloatVector up = FloatVector.fromArray(FLOATS, gateUp, upAt + i);
            siluMul(gate, up).intoArray(out, outAt + i);
        }
        if (i < width) {
            VectorMask<Float> rest = FLOATS.indexInRange(i, width);
            FloatVector gate = FloatVector.fromArray(FLOATS, gateUp, at + i, rest);
            FloatVector up = FloatVector.fromArray(FLOATS, gateUp, upAt + i, rest);
            siluMul(gate, up).intoArray(out, outAt + i, rest);
        }
    }

    private static FloatVector siluMul(FloatVector gate, FloatVector up) {
        return gate.div(VectorMath.exp(gate.neg()).add(1f)).mul(up);
    }

    private static void norm(float[] x, int at, int width, float[] weight, float eps, float[] out, int outAt) {
        float factor = (float) (1.0 / Math.sqrt(squareSum(x, at, width) / (double) width + eps));
        int i = 0;
        for (; i + COUNT <= width; i += COUNT) {
            FloatVector.fromArray(FLOATS, x, at + i)
                    .mul(factor)
                    .mul(FloatVector.fromArray(FLOATS, weight, i))
                    .intoArray(out, outAt + i);
        }
        for (; i < width; i++) {
            out[outAt + i] = x[at + i] * factor * weight[i];
        }
    }

    private static float squareSum(float[] x, int at, int width) {
        FloatVector squares = FloatVector.zero(FLOATS);
        int i = 0;
        for (; i + COUNT <= width; i += COUNT) {
            FloatVector v = FloatVector.fromArray(FLOATS, x, at + i);
            squares = v.fma(v, squares);
        }
        float sum = Lanes.sum(squares);
        for (; i < width; i++) {
            sum = Math.fma(x[at + i], x[at + i], sum);
        }
        return sum;
    }

    private void forRows(int rows, int width, WorkerPool.Task row) {
        int tasks = Math.min(tasks((long) rows * width), rows);
        if (tasks <= 1) {
            for (int r = 0; r < rows; r++) {
                row.run(r);
            }
            return;
        }
        pool.run(tasks, task -> {
            int end = (int) ((long) rows * (task + 1) / tasks);
            for (int r = (int) ((long) rows * task / tasks); r < end; r++) {
                row.run(r);
            }
        });
    }

    private int tasks(long floats) {
        return Math.clamp(floats / FLOATS_PER_TASK, 1, pool.threads() * TASKS_PER_THREAD);
    }
}
