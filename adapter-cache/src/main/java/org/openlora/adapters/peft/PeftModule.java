package org.openlora.adapters.peft;

import org.jspecify.annotations.Nullable;
import org.openlora.adapters.ModuleShape;
import org.openlora.kernels.DoraScale;
import org.openlora.kernels.LoraModule;

/// One module that an adapter changes, as config, base and file agree on it.
///
/// @param path of the module in the base
/// @param scaling the module's own alpha / r (alpha / √r for rsLoRA)
public record PeftModule(
        String path, ModuleShape shape, int rank, double alpha, float scaling, Tensors tensors) {
    /// Names of its tensors as stored.
    ///
    /// @param a `[rank, inputs]`
    /// @param b `[outputs, rank]`
    /// @param magnitude `[outputs]`, of a weight-decomposed adapter (DoRA)
    /// @param baseCopy the base's own weight, which PEFT saves beside a changed head or embedding
    public record Tensors(
            String a, String b, @Nullable String magnitude, @Nullable String baseCopy) {}

    /// Bytes in slot memory: the pair, then the scale if there is one.
    public long residentBytes() {
        return pairBytes() + (tensors.magnitude() == null ? 0 : DoraScale.bytesFor(shape.outputs()));
    }

    long pairBytes() {
        return LoraModule.bytesFor(rank, shape.inputs(), shape.outputs());
    }
}
