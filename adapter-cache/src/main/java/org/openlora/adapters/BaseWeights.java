package org.openlora.adapters;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import org.openlora.kernels.LoraLayout;

/// What adapters must know of the base model: its identity, and the modules that can be targeted with their weights.
public interface BaseWeights {
    Digest digest();

    int layers();

    /// All targetable modules by their Hugging Face path (`model.layers.0.self_attn.q_proj`), in model order: the
    /// linear ones of the layers first, then the head and the embedding.
    List<String> modulePaths();

    /// The shape of one of [#modulePaths]; empty for any other path.
    Optional<ModuleShape> shape(String modulePath);

    /// The weight of one of [#modulePaths] as bf16, row-major: `[outputs, inputs]`, but `[inputs, outputs]` for the
    /// embedding, whose inputs are the vocabulary. A view, or in memory of `arena`. From any thread, until the base
    /// is closed.
    ///
    /// @throws IllegalArgumentException if there is no such module
    MemorySegment weight(String modulePath, Arena arena);

    /// How an adapter's pairs must lie in memory for the kernels that serve this base.
    LoraLayout loraLayout();

    /// Whether head and embedding are one weight.
    boolean hasTiedHead();
}
