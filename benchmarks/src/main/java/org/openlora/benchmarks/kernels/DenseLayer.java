package org.openlora.benchmarks.kernels;

/// Dense layers of the models that are measured, as the engine fuses them.
public enum DenseLayer {
    SMOLLM2_QKV(960, 576),
    SMOLLM2_O(576, 576),
    SMOLLM2_GATE_UP(3072, 576),
    SMOLLM2_DOWN(576, 1536),
    SMOLLM2_HEAD(49152, 576),
    LLAMA1B_QKV(3072, 2048),
    LLAMA1B_GATE_UP(16384, 2048),
    LLAMA1B_DOWN(2048, 8192);

    final int outputs;
    final int inputs;

    DenseLayer(int outputs, int inputs) {
        this.outputs = outputs;
        this.inputs = inputs;
    }
}
