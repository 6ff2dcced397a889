package org.openlora.adapters.peft;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.BaseWeights;
import org.openlora.adapters.OneLine;
import org.openlora.kernels.Bf16;
import org.openlora.kernels.LoraPoint;

/// By what a weight-decomposed adapter (DoRA) multiplies each output of a module: its trained magnitude over the
/// norm of that output's weights in `W + scaling · B · A`.
///
/// W is the base's weight as it is served, in bf16, A and B are as stored; products are f32, squares are added in
/// f64.
final class DoraFactors {
    private DoraFactors() {}

    /// @param a `[rank, inputs]`
    /// @param b `[outputs, rank]`
    /// @param magnitude `[outputs]`
    /// @return `[outputs]`; throws [AdapterException] where a norm is zero or a factor not finite
    static float[] of(BaseWeights base, PeftModule module, float[] a, float[] b, float[] magnitude) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment weight = base.weight(module.path(), arena);
            double[] squares = module.shape().point() == LoraPoint.EMBEDDING
                    ? embeddingSquares(weight, module, a, b)
                    : linearSquares(weight, module, a, b);
            var factors = new float[magnitude.length];
            for (int j = 0; j < factors.length; j++) {
                factors[j] = magnitude[j] / (float) Math.sqrt(squares[j]);
                if (!Float.isFinite(factors[j])) {
                    throw new AdapterException(
                            Code.INVALID,
                            "tensor " + OneLine.quote(String.valueOf(module.tensors().magnitude())) + " has "
                                    + magnitude[j] + " at element " + j + ", where the weights' norm is "
                                    + (float) Math.sqrt(squares[j]) + "; their quotient must be finite");
                }
            }
            return factors;
        }
    }

    /// Sums of squares of the rows of `W [outputs, inputs] + scaling · B · A`.
    private static double[] linearSquares(MemorySegment weight, PeftModule module, float[] a, float[] b) {
        int inputs = module.shape().inputs();
        int rank = module.rank();
        var row = new float[inputs];
        var squares = new double[module.shape().outputs()];
        for (int j = 0; j < squares.length; j++) {
            Bf16.toFloats(weight, (long) j * inputs * Bf16.BYTES, inputs, row, 0);
            for (int r = 0; r < rank; r++) {
                addScaled(row, module.scaling() * b[j * rank + r], a, r * inputs);
            }
            for (float value : row) {
                squares[j] += (double) value * value;
            }
        }
        return squares;
    }

    /// Sums of squares of the columns of `W [inputs, outputs] + scaling · (B · A)ᵀ`.
    private static double[] embeddingSquares(MemorySegment weight, PeftModule module, float[] a, float[] b) {
        int tokens = module.shape().inputs();
        int width = module.shape().outputs();
        int rank = module.rank();
        var transposedB = new float[rank * width];
        for (int j = 0; j < width; j++) {
            for (int r = 0; r < rank; r++) {
                transposedB[r * width + j] = b[j * rank + r];
            }
        }
        var row = new float[width];
        var squares = new double[width];
        for (int token = 0; token < tokens; token++) {
            Bf16.toFloats(weight, (long) token * width * Bf16.BYTES, width, row, 0);
            for (int r = 0; r < rank; r++) {
                addScaled(row, module.scaling() * a[r * tokens + token], transposedB, r * width);
            }
            for (int j = 0; j < width; j++) {
                squares[j] += (double) row[j] * row[j];
            }
        }
        return squares;
    }

    private static void addScaled(float[] row, float factor, float[] values, int at) {
        for (int i = 0; i < row.length; i++) {
            row[i] = Math.fma(factor, values[at + i], row[i]);
        }
    }
}
