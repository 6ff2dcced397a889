package org.openlora.engine.model;

import org.openlora.kernels.LoraBatch;

/// `down(silu(gate(x)) · up(x))`, gate and up stacked in one product.
record GatedMlp(Kernels kernels, int intermediateSize, LoraLinear gateUp, LoraLinear down) {
    /// Reads `normed`, overwrites `projected`.
    void forward(int rows, LoraBatch lora, Workspace scratch) {
        gateUp.forward(scratch.normed, rows, scratch.gateUp, lora);
        kernels.elementwise().siluMul(scratch.gateUp, rows, intermediateSize, scratch.activated);
        down.forward(scratch.activated, rows, scratch.projected, lora);
    }
}
