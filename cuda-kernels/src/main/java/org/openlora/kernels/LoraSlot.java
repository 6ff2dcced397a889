package org.openlora.kernels;

import java.util.List;

/// The resident weights of one adapter.
@FunctionalInterface
public interface LoraSlot {
    /// The low-rank pairs that the adapter has at a point of a layer, in the order in which they are added; empty
    /// where it has none. Several pairs (q, k and v, say) have output ranges of their own.
    List<LoraModule> modules(int layer, LoraPoint point);
}
