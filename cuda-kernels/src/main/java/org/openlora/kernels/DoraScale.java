package org.openlora.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// What a weight-decomposed adapter (DoRA, <https://arxiv.org/abs/2402.09353>) does to the base's own result of one
/// module: output `j` is multiplied by `magnitude[j] / norm[j]`, where `norm[j]` is that of row `j` of
/// `W + scaling · B · A`.
///
/// Stored is the change, `magnitude[j] / norm[j] − 1`, as `[outputs]` little-endian f32: of several adapters on a
/// row the changes add up, each on the base's own result. The low-rank pair beside it is an ordinary [LoraModule]
/// whose B has been multiplied by `magnitude / norm` already.
///
/// @param weights the memory that holds the changes
/// @param offsetBytes of the first of them
/// @param outputOffset first output of this module within the stacked outputs of its [LoraPoint]
public record DoraScale(MemorySegment weights, long offsetBytes, int outputs, int outputOffset) {
    static final ValueLayout.OfFloat F32 = JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    public DoraScale {
        Shapes.positive("outputs", outputs);
        Shapes.notNegative("outputOffset", outputOffset);
        if (offsetBytes < 0) {
            throw new IllegalArgumentException("offsetBytes is " + offsetBytes + ", must not be negative");
        }
        Shapes.bytes("DoRA scale [" + outputs + "]", weights, offsetBytes + bytesFor(outputs));
    }

    /// Bytes that [#write] uses.
    public static long bytesFor(int outputs) {
        return (long) outputs * Float.BYTES;
    }

    /// Lays out the changes that go with `factors`.
    ///
    /// @param memory written from `offsetBytes` on, [#bytesFor] bytes
    /// @param factors magnitude / norm of each output
    /// @throws IllegalArgumentException if the memory is too small
    public static DoraScale write(MemorySegment memory, long offsetBytes, float[] factors, int outputOffset) {
        DoraScale scale = new DoraScale(memory, offsetBytes, factors.length, outputOffset);
        for (int j = 0; j < factors.length; j++) {
            memory.set(F32, offsetBytes + (long) j * Float.BYTES, factors[j] - 1);
        }
        return scale;
    }

    /// The change of an output.
    public float change(int output) {
        return weights.get(F32, offsetBytes + (long) output * Float.BYTES);
    }
}
