package org.openlora.engine.model;

import org.openlora.engine.weights.ModelConfig;

/// Scratch memory of the forward pass for up to `rows` rows; overwritten by each step.
final class Workspace {
    final float[] hidden; // [rows, hidden]
    final float[] normed; // [rows, hidden]
    final float[] qkv; // [rows, (heads + 2 kvHeads) · headDim]
    final float[] attended; // [rows, heads · headDim]
    final float[] gateUp; // [rows, 2 · intermediate]
    final float[] activated; // [rows, intermediate]
    final float[] projected; // [rows, hidden]
    private final int rows;

    Workspace(ModelConfig config, int rows) {
        this.rows = rows;
        hidden = new float[rows * config.hiddenSize()];
        normed = new float[rows * config.hiddenSize()];
        qkv = new float[rows * (config.querySize() + 2 * config.keyValueSize())];
        attended = new float[rows * config.querySize()];
        gateUp = new float[rows * 2 * config.intermediateSize()];
        activated = new float[rows * config.intermediateSize()];
        projected = new float[rows * config.hiddenSize()];
    }

    /// Most rows of one step.
    int rows() {
        return rows;
    }
}
