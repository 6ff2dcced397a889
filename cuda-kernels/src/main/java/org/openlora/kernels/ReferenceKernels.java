package org.openlora.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Plain forms of all kernels, to test the fast ones by: obvious loops, sums in f64, rounded to f32 at the end.
/// Operands are as the fast kernels document them.
public final class ReferenceKernels {
    private ReferenceKernels() {}

    /// A linear kernel that keeps weights row-major and computes by [#linear].
    public static LinearKernel linearKernel() {
        return new RowMajorKernel();
    }

    /// `y = x · Wᵀ`, W `[outputs, inputs]` bf16 row-major.
    public static void linear(MemorySegment bf16RowMajor, int outputs, int inputs, float[] x, int rows, float[] y) {
        for (int row = 0; row < rows; row++) {
            for (int o = 0; o < outputs; o++) {
                double sum = 0;
                for (int k = 0; k < inputs; k++) {
                    sum += (double) x[row * inputs + k] * bf16(bf16RowMajor, ((long) o * inputs + k) * Bf16.BYTES);
                }
                y[row * outputs + o] = (float) sum;
            }
        }
    }

    /// As [LoraKernel#apply].
    public static void lora(
            LoraBatch batch, int layer, LoraPoint point, float[] x, int inputs, float[] y, int outputs) {
        for (int s = 0; s < batch.segments(); s++) {
            for (LoraModule module : batch.slots()[s].modules(layer, point)) {
                for (int e = batch.segmentStarts()[s]; e < batch.segmentStarts()[s + 1]; e++) {
                    int yAt = batch.rows()[e] * outputs + module.outputOffset();
                    double factor = (double) batch.scales()[e] * module.scaling();
                    double[] h = shrink(module, x, batch.rows()[e] * inputs);
                    for (int o = 0; o < module.outputs(); o++) {
                        double sum = 0;
                        for (int r = 0; r < module.rank(); r++) {
                            sum += h[r] * b(module, r, o);
                        }
                        y[yAt + o] += (float) (factor * sum);
                    }
                }
            }
        }
    }

    /// As [DoraKernel#apply].
    public static void dora(LoraBatch batch, int layer, LoraPoint point, float[] y, int outputs) {
        double[] factors = new double[y.length];
        for (int s = 0; s < batch.segments(); s++) {
            for (DoraScale scale : batch.slots()[s].scales(layer, point)) {
                for (int e = batch.segmentStarts()[s]; e < batch.segmentStarts()[s + 1]; e++) {
                    for (int o = 0; o < scale.outputs(); o++) {
                        factors[batch.rows()[e] * outputs + scale.outputOffset() + o] +=
                                (double) batch.scales()[e] * scale.change(o);
                    }
                }
            }
        }
        for (int i = 0; i < y.length; i++) {
            y[i] = (float) (y[i] * (1 + factors[i]));
        }
    }

    /// As [EmbeddingLoraKernel#apply]: the low-rank update of one-hot rows.
    public static void embeddingLora(LoraBatch batch, int[] tokens, int vocabulary, float[] y, int width) {
        float[] oneHot = new float[tokens.length * vocabulary];
        for (int row = 0; row < tokens.length; row++) {
            oneHot[row * vocabulary + tokens[row]] = 1;
        }
        lora(batch, 0, LoraPoint.EMBEDDING, oneHot, vocabulary, y, width);
    }

    /// Attention of one query head over one sequence: `out = softmax(scale · q · Kᵀ) · V` over positions
    /// `[first, last]`.
    ///
    /// @param q `[headDim]`
    /// @param k `[positions, headDim]`, `v` likewise, already rounded to bf16 where the cache would round
    public static float[] attention(float[] q, float[] k, float[] v, int headDim, int first, int last, double scale) {
        double[] weights = new double[last + 1];
        double max = Double.NEGATIVE_INFINITY;
        for (int t = first; t <= last; t++) {
            for (int d = 0; d < headDim; d++) {
                weights[t] += scale * q[d] * k[t * headDim + d];
            }
            max = Math.max(max, weights[t]);
        }
        double sum = 0;
        double[] out = new double[headDim];
        for (int t = first; t <= last; t++) {
            double weight = Math.exp(weights[t] - max);
            sum += weight;
            for (int d = 0; d < headDim; d++) {
                out[d] += weight * v[t * headDim + d];
            }
        }
        float[] rounded = new float[headDim];
        for (int d = 0; d < headDim; d++) {
            rounded[d] = (float) (out[d] / sum);
        }
        return rounded;
    }

    /// As [Elementwise#rmsNorm].
    public static void rmsNorm(float[] x, int rows, int width, float[] weight, float eps, float[] out) {
        for (int row = 0; row < rows; row++) {
            double squares = 0;
            for (int i = 0; i < width; i++) {
                squares += (double) x[row * width + i] * x[row * width + i];
            }
            double factor = 1 / Math.sqrt(squares / width + eps);
            for (int i = 0; i < width; i++) {
                out[row * width + i] = (float) (x[row * width + i] * factor * weight[i]);
            }
        }
    }

    /// As [Elementwise#siluMul].
    public static void siluMul(float[] gateUp, int rows, int width, float[] out) {
        for (int row = 0; row < rows; row++) {
            for (int i = 0; i < width; i++) {
                double gate = gateUp[row * 2 * width + i];
                double up = gateUp[row * 2 * width + width + i];
                out[row * width + i] = (float) (gate / (1 + Math.exp(-gate)) * up);
            }
        }
    }

    /// One head turned by [Rope] without scaling, in f64 throughout.
    ///
    /// @param head `[headDim]`, not changed
    public static float[] rope(float[] head, int position, double theta) {
        int half = head.length / 2;
        float[] turned = new float[head.length];
        for (int i = 0; i < half; i++) {
            double angle = position * Math.pow(theta, -2.0 * i / head.length);
            double cos = Math.cos(angle);
            double sin = Math.sin(angle);
            turned[i] = (float) (head[i] * cos - head[half + i] * sin);
            turned[half + i] = (float) (head[half + i] * cos + head[i] * sin);
        }
        return turned;
    }

    private static double[] shrink(LoraModule module, float[] x, int xAt) {
        double[] h = new double[module.rank()];
        for (int r = 0; r < h.length; r++) {
            for (int k = 0; k < module.inputs(); k++) {
                h[r] += (double) x[xAt + k] * bf16(module.weights(), module.aElementBytes(r, k));
            }
        }
        return h;
    }

    private static float b(LoraModule module, int rankRow, int output) {
        return bf16(module.weights(), module.bElementBytes(rankRow, output));
    }

    private static float bf16(MemorySegment segment, long at) {
        return Bf16.toFloat(segment.get(LoraModule.BF16, at));
    }

    private record RowMajorMatrix(int outputs, int inputs, MemorySegment weights) implements PackedMatrix {
        @Override
        public long sizeBytes() {
            return weights.byteSize();
        }
    }

    private static final class RowMajorKernel implements LinearKernel {
        @Override
        public String id() {
            return "reference-bf16";
        }

        @Override
        public PackedMatrix pack(Arena arena, MemorySegment bf16RowMajor, int outputs, int inputs) {
            Shapes.weights(bf16RowMajor, outputs, inputs);
            long bytes = (long) outputs * inputs * Bf16.BYTES;
            MemorySegment copy = arena.allocate(bytes, ValueLayout.JAVA_LONG.byteAlignment());
            copy.copyFrom(bf16RowMajor.asSlice(0, bytes));
            return new RowMajorMatrix(outputs, inputs, copy);
        }

        @Override
        public void multiply(PackedMatrix packed, float[] x, int rows, float[] y) {
            if (!(packed instanceof RowMajorMatrix matrix)) {
                throw new IllegalArgumentException("matrix was packed by another kernel: "
                        + packed.getClass().getSimpleName() + ", needs RowMajorMatrix");
            }
            Shapes.matrix("x", x, rows, matrix.inputs());
            Shapes.matrix("y", y, rows, matrix.outputs());
            linear(matrix.weights(), matrix.outputs(), matrix.inputs(), x, rows, y);
        }
    }
}
