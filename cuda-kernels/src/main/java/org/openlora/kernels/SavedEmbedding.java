package org.openlora.kernels;

import java.lang.foreign.MemorySegment;

/// The token embedding that an adapter brings in the place of the base's: `[tokens, width]` bf16, row-major.
///
/// @param weights the memory that holds it from its beginning on
public record SavedEmbedding(MemorySegment weights, int tokens, int width) {
    public SavedEmbedding {
        Shapes.positive("tokens", tokens);
        Shapes.positive("width", width);
        Shapes.bytes("saved embedding [" + tokens + ", " + width + "]", weights, bytesFor(tokens, width));
    }

    /// Bytes that [#write] uses.
    public static long bytesFor(int tokens, int width) {
        return (long) tokens * width * Bf16.BYTES;
    }

    /// Copies an embedding to the beginning of `memory`.
    ///
    /// @param bf16RowMajor `[tokens, width]` bf16, little-endian
    /// @throws IllegalArgumentException if either segment is too small or the shape is not positive
    public static SavedEmbedding write(MemorySegment memory, MemorySegment bf16RowMajor, int tokens, int width) {
        SavedEmbedding embedding = new SavedEmbedding(memory, tokens, width);
        long bytes = bytesFor(tokens, width);
        Shapes.bytes("embedding [" + tokens + ", " + width + "]", bf16RowMajor, bytes);
        MemorySegment.copy(bf16RowMajor, 0, memory, 0, bytes);
        return embedding;
    }

    /// Writes a token's vector to `y` from `at` on.
    void copyRow(int token, float[] y, int at) {
        Bf16.toFloats(weights, (long) token * width * Bf16.BYTES, width, y, at);
    }
}
