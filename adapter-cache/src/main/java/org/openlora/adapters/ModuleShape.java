package org.openlora.adapters;

import org.openlora.kernels.LoraPoint;

/// A module of the base that an adapter may target, and where its output lies in the stacked output of its
/// point.
///
/// @param layer index of the transformer layer; 0 for head and embedding, which are outside all layers
/// @param outputs numbers that it makes of a row: rows of the base weight, but columns of the embedding's
/// @param inputs numbers that a row has: columns of the base weight; for the embedding, tokens of the vocabulary
/// @param outputOffset of its first output within the point's outputs: k follows q, v follows k; up follows gate
public record ModuleShape(int layer, LoraPoint point, int outputs, int inputs, int outputOffset) {
    public ModuleShape {
        if (layer < 0 || outputs <= 0 || inputs <= 0 || outputOffset < 0) {
            throw new IllegalArgumentException("module of layer " + layer + ": " + outputs + " outputs at "
                    + outputOffset + ", " + inputs + " inputs");
        }
    }
}
