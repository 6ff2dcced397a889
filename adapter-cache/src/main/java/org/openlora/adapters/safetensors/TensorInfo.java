package org.openlora.adapters.safetensors;

import java.util.Arrays;
import java.util.List;

/// A tensor as the header describes it, already checked against the file.
///
/// @param offset of its first byte, counted from the start of the file
public record TensorInfo(String name, DType dtype, List<Long> shape, long offset, long sizeBytes) {
    public TensorInfo {
        shape = List.copyOf(shape);
    }

    public long elements() {
        return sizeBytes / dtype.elementBytes();
    }

    public long[] shapeArray() {
        return shape.stream().mapToLong(Long::longValue).toArray();
    }

    public boolean hasShape(long... dimensions) {
        return Arrays.equals(shapeArray(), dimensions);
    }
}
