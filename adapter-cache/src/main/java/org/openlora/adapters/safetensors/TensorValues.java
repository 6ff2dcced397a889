package org.openlora.adapters.safetensors;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.openlora.kernels.Bf16;

/// Conversion of stored values. Safetensors stores little-endian; the targets are native.
public final class TensorValues {
    private static final ValueLayout.OfShort SHORT = JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT = JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private TensorValues() {}

    /// Reads `values.length` numbers of an F32, F16 or BF16 tensor, exactly.
    public static void toFloats(DType dtype, MemorySegment stored, float[] values) {
        checkSize(dtype, stored, values.length);
        switch (dtype) {
            case F32 -> MemorySegment.copy(stored, FLOAT, 0, values, 0, values.length);
            case F16 -> {
                for (int i = 0; i < values.length; i++) {
                    values[i] = Float.float16ToFloat(stored.get(SHORT, 2L * i));
                }
            }
            case BF16 -> {
                for (int i = 0; i < values.length; i++) {
                    values[i] = Bf16.toFloat(stored.get(SHORT, 2L * i));
                }
            }
            case BOOL, U8, I8, F8_E4M3, F8_E5M2, U16, I16, U32, I32, U64, I64, F64 -> throw unreadable(dtype);
        }
    }

    /// Fills `target` with the numbers of an F32, F16 or BF16 tensor as bf16, rounded to nearest even.
    public static void toBf16(DType dtype, MemorySegment stored, MemorySegment target) {
        long count = target.byteSize() / Bf16.BYTES;
        checkSize(dtype, stored, count);
        switch (dtype) {
            case F32 -> {
                for (long i = 0; i < count; i++) {
                    target.set(JAVA_SHORT_UNALIGNED, 2 * i, Bf16.fromFloat(stored.get(FLOAT, 4 * i)));
                }
            }
            case F16 -> {
                for (long i = 0; i < count; i++) {
                    float value = Float.float16ToFloat(stored.get(SHORT, 2 * i));
                    target.set(JAVA_SHORT_UNALIGNED, 2 * i, Bf16.fromFloat(value));
                }
            }
            case BF16 -> MemorySegment.copy(stored, SHORT, 0, target, JAVA_SHORT_UNALIGNED, 0, count);
            case BOOL, U8, I8, F8_E4M3, F8_E5M2, U16, I16, U32, I32, U64, I64, F64 -> throw unreadable(dtype);
        }
    }

    private static void checkSize(DType dtype, MemorySegment stored, long elements) {
        if (stored.byteSize() != elements * dtype.elementBytes()) {
            throw new IllegalArgumentException(
                    stored.byteSize() + " bytes do not hold " + elements + " elements of " + dtype);
        }
    }

    private static IllegalArgumentException unreadable(DType dtype) {
        return new IllegalArgumentException(dtype + " cannot be read as floats; F32, F16 and BF16 can");
    }
}
