package org.openlora.adapters;

import java.util.List;
import java.util.Optional;

/// What adapters must know of the base model: its identity, and the linear modules that can be targeted.
public interface BaseWeights {
    Digest digest();

    int layers();

    /// All targetable modules by their Hugging Face path (`model.layers.0.self_attn.q_proj`), in model order.
    List<String> modulePaths();

    /// The shape of one of [#modulePaths]; empty for any other path.
    Optional<ModuleShape> shape(String modulePath);
}
