package org.openlora.engine.weights;

import java.util.List;

/// One tensor of a GGUF file. `dimensions` are in file order: the first is the length of a row, the fastest to
/// vary.
///
/// @param offset bytes from the start of the file
record GgufTensor(String name, GgufType type, List<Long> dimensions, long offset, long sizeBytes) {
    /// Values in a row.
    int columns() {
        return Math.toIntExact(dimensions.getFirst());
    }

    int rows() {
        long rows = 1;
        for (long dimension : dimensions.subList(1, dimensions.size())) {
            rows = Math.multiplyExact(rows, dimension);
        }
        return Math.toIntExact(rows);
    }

    long[] dimensionArray() {
        return dimensions.stream().mapToLong(Long::longValue).toArray();
    }
}
