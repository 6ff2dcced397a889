package org.openlora.adapters.safetensors;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/// The element types of safetensors, by the names that its headers use.
public enum DType {
    BOOL(1),
    U8(1),
    I8(1),
    F8_E4M3(1),
    F8_E5M2(1),
    U16(2),
    I16(2),
    F16(2),
    BF16(2),
    U32(4),
    I32(4),
    F32(4),
    U64(8),
    I64(8),
    F64(8);

    private final int elementBytes;

    DType(int elementBytes) {
        this.elementBytes = elementBytes;
    }

    public int elementBytes() {
        return elementBytes;
    }

    /// Whether the values can be read as floats or bf16: F32, F16 and BF16.
    public boolean isReadable() {
        return this == F32 || this == F16 || this == BF16;
    }

    static Optional<DType> named(String name) {
        return Arrays.stream(values())
                .filter(dtype -> dtype.name().equals(name))
                .findFirst();
    }

    static String allowed() {
        return Arrays.stream(values()).map(DType::name).collect(Collectors.joining(", "));
    }
}
