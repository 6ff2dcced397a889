package org.openlora.adapters.peft;

import org.openlora.adapters.ModuleShape;
import org.openlora.kernels.LoraPoint;
import org.openlora.kernels.PanelKernel;
import org.openlora.kernels.SavedEmbedding;

/// Head or embedding, where the adapter brings it whole (`modules_to_save`): its matrix replaces the base's.
///
/// @param path of the module in the base
/// @param tensor its name as stored: `[outputs, inputs]`, but `[inputs, outputs]` for the embedding
public record SavedModule(String path, ModuleShape shape, String tensor) {
    /// Bytes in slot memory.
    public long residentBytes() {
        return isEmbedding()
                ? SavedEmbedding.bytesFor(shape.inputs(), shape.outputs())
                : PanelKernel.packedBytes(shape.outputs(), shape.inputs());
    }

    boolean isEmbedding() {
        return shape.point() == LoraPoint.EMBEDDING;
    }

    /// Rows of the stored matrix, both times the tokens of the vocabulary.
    int tokens() {
        return isEmbedding() ? shape.inputs() : shape.outputs();
    }

    /// Columns of the stored matrix.
    int width() {
        return isEmbedding() ? shape.outputs() : shape.inputs();
    }
}
