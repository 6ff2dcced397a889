package org.openlora.engine.weights;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import org.openlora.adapters.Digest;
import org.openlora.kernels.Bf16;

/// A base model's weights, whatever files they lie in, under the names that Transformers gives them and in its
/// row order.
///
/// Every weight is taken as bfloat16, rounded to nearest even from what is stored. When [#open] returns, every
/// tensor that the configuration calls for is there with its shape, and there is none besides whose effect would
/// be lost. Memory handed out is valid until [#close]. One thread at a
/// time, but for [#bf16(String, Arena)], which any thread may call.
public sealed interface BaseCheckpoint extends AutoCloseable permits HuggingFaceCheckpoint, GgufCheckpoint {
    /// Opens a Hugging Face directory, a `.gguf` file or a directory with one.
    ///
    /// @throws ModelLoadException in one line naming the tensor, key or feature that cannot be used
    static BaseCheckpoint open(Path path) {
        return switch (ModelFiles.locate(path)) {
            case ModelFiles.HuggingFace source -> HuggingFaceCheckpoint.open(source.directory());
            case ModelFiles.Gguf source -> GgufCheckpoint.open(source.file());
        };
    }

    ModelConfig config();

    /// The identity of the base: configuration and tensors as stored. Computed at the first call, in one pass
    /// over all bytes, then remembered.
    Digest digest();

    /// Whether the model has this tensor; `lm_head.weight` only where it is not tied.
    boolean has(String name);

    /// The tensor's values, row-major bf16, at least 2-byte aligned: a view of the file where it stores them so,
    /// otherwise converted into memory of `arena`.
    ///
    /// @throws ModelLoadException if the model has no such tensor
    MemorySegment bf16(String name, Arena arena);

    /// As [#bf16(String, Arena)], with memory that lives as long as this checkpoint.
    MemorySegment bf16(String name);

    /// The (bfloat16) values of a small tensor: a norm's weights or a bias.
    default float[] f32(String name) {
        try (Arena scratch = Arena.ofShared()) {
            MemorySegment bf16 = bf16(name, scratch);
            float[] values = new float[Math.toIntExact(bf16.byteSize() / Bf16.BYTES)];
            for (int i = 0; i < values.length; i++) {
                values[i] = Bf16.toFloat(bf16.get(ValueLayout.JAVA_SHORT_UNALIGNED, (long) i * Bf16.BYTES));
            }
            return values;
        }
    }

    @Override
    void close();
}
