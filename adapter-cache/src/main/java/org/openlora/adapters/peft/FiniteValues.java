package org.openlora.adapters.peft;

import java.lang.foreign.MemorySegment;
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
            if (!Float.isFinite(values[i])) {
                throw refused(tensor, i, values[i], "weights must be finite");
            }
            if (!Float.isFinite(Bf16.toFloat(Bf16.fromFloat(values[i])))) {
                throw refused(tensor, i, values[i], "the largest weight in bf16 is 3.3895314e38");
            }
        }
        return values;
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

    private static AdapterException refused(TensorInfo tensor, int index, float value, String allowed) {
        return new AdapterException(
                Code.INVALID,
                "tensor " + OneLine.quote(tensor.name()) + " of shape " + tensor.shape() + " has " + value
                        + " at element " + index + "; " + allowed);
    }
}
