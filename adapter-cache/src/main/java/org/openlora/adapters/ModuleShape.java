package org.openlora.adapters;

import org.openlora.kernels.LoraPoint;

/// A linear module of the base that an adapter may target, and where its output lies in the stacked output of its
/// point.
///
/// @param layer index of the transformer layer
/// @param outputs rows of the base weight
/// @param inputs columns of the base weight
/// @param outputOffset of its first output within the point's outputs: k follows q, v follows k; up follows gate
public record ModuleShape(int layer, LoraPoint point, int outputs, int inputs, int outputOffset) {
    public ModuleShape {
        if (layer < 0 || outputs <= 0 || inputs <= 0 || outputOffset < 0) {
            throw new IllegalArgumentException("module of layer " + layer + ": " + outputs + " outputs at "
                    + outputOffset + ", " + inputs + " inputs");
        }
    }
}
