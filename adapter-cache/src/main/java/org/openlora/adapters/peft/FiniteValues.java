package org.openlora.adapters.peft;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.safetensors.TensorInfo;
import org.openlora.adapters.safetensors.TensorValues;
import org.openlora.kernels.Bf16;

/// Reads weights and refuses those that would poison every sum they enter.
final class FiniteValues {
    private FiniteValues() {}

    static float[] of(TensorInfo tensor, MemorySegment stored) {
        var values = new float[Math.toIntExact(tensor.elements())];
        TensorValues.toFloats(tensor.dtype(), stored, values);
        for (int i = 0; i < values.length; i++) {
            if (!Float.isFinite(Bf16.toFloat(Bf16.fromFloat(values[i])))) {
                throw refused(tensor, i, values[i]);
            }
        }
        return values;
    }

    /// A tensor of any size as bf16.
    static MemorySegment bf16(TensorInfo tensor, MemorySegment stored, Arena arena) {
        MemorySegment bf16 = arena.allocate(tensor.elements() * Bf16.BYTES, Bf16.BYTES);
        TensorValues.toBf16(tensor.dtype(), stored, bf16);
        int elementBytes = tensor.dtype().elementBytes();
        for (long i = 0; i < tensor.elements(); i++) {
            if (!Float.isFinite(Bf16.toFloat(bf16.get(ValueLayout.JAVA_SHORT, i * Bf16.BYTES)))) {
                var value = new float[1];
                TensorValues.toFloats(tensor.dtype(), stored.asSlice(i * elementBytes, elementBytes), value);
                throw refused(tensor, i, value[0]);
            }
        }
        return bf16;
    }

    /// Refuses what is beyond bf16 only once it has been multiplied by DoRA's factors.
    static void requireBf16(String magnitudeTensor, float[] values) {
        for (float value : values) {
            if (!Float.isFinite(Bf16.toFloat(Bf16.fromFloat(value)))) {
                throw new AdapterException(
                        Code.INVALID,
                        "tensor " + OneLine.quote(magnitudeTensor) + " makes a weight of " + value
                                + "; the largest weight in bf16 is 3.3895314e38");
            }
        }
    }

    private static AdapterException refused(TensorInfo tensor, long index, float value) {
        String allowed =
                Float.isFinite(value) ? "the largest weight in bf16 is 3.3895314e38" : "weights must be finite";
        return new AdapterException(
                Code.INVALID,
                "tensor " + OneLine.quote(tensor.name()) + " of shape " + tensor.shape() + " has " + value
                        + " at element " + index + "; " + allowed);
    }
}
