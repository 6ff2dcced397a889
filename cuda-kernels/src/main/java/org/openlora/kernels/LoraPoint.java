package org.openlora.kernels;

/// The places of a transformer where low-rank updates are added. Modules that read the same input are stacked
/// along their outputs, so a layer has four points instead of seven.
public enum LoraPoint {
    /// Query, key and value projections: outputs q | k | v.
    QKV,
    /// Attention's output projection.
    O,
    /// Gate and up projections of the MLP: outputs gate | up.
    GATE_UP,
    /// The MLP's down projection.
    DOWN,
    /// The token embedding, whose inputs are the vocabulary; outside all layers, asked for with layer 0.
    EMBEDDING,
    /// The vocabulary projection; outside all layers, asked for with layer 0.
    LM_HEAD
}
