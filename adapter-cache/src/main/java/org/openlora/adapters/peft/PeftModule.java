package org.openlora.adapters.peft;

import org.openlora.adapters.ModuleShape;
import org.openlora.kernels.LoraModule;

/// One module that an adapter changes, as config, base and file agree on it.
///
/// @param path of the module in the base
/// @param tensorA name of lora_A as stored, `[rank, inputs]`
/// @param tensorB name of lora_B as stored, `[outputs, rank]`
/// @param scaling the module's own alpha / r (alpha / √r for rsLoRA)
public record PeftModule(
        String path, ModuleShape shape, int rank, double alpha, float scaling, String tensorA, String tensorB) {
    /// Bytes in slot memory.
    public long residentBytes() {
        return LoraModule.bytesFor(rank, shape.inputs(), shape.outputs());
    }
}
