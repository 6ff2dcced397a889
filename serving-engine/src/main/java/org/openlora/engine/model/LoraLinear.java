package org.openlora.engine.model;

import org.jspecify.annotations.Nullable;
import org.openlora.kernels.LoraBatch;
import org.openlora.kernels.LoraPoint;
import org.openlora.kernels.PackedMatrix;

/// A linear layer, or several stacked ones, with the adapters of each row on top:
/// `y = x Wᵀ`, scaled where an adapter is weight-decomposed, `+ bias`, then
/// `y[row] += Σ scale · (x[row] Aᵀ) Bᵀ` over the row's adapters.
@SuppressWarnings("ArrayRecordComponent") // Weights; never compared.
record LoraLinear(Kernels kernels, int layer, LoraPoint point, PackedMatrix weight, float @Nullable [] bias) {
    /// @param x rows × inputs
    /// @param y overwritten, rows × outputs
    void forward(float[] x, int rows, float[] y, LoraBatch lora) {
        kernels.linear().multiply(weight, x, rows, y);
        kernels.dora().apply(lora, layer, point, y, weight.outputs());
        if (bias != null) {
            kernels.elementwise().addBias(y, rows, weight.outputs(), bias);
        }
        kernels.lora().apply(lora, layer, point, x, weight.inputs(), y, weight.outputs());
    }

    int outputs() {
        return weight.outputs();
    }
}
