package org.openlora.adapters;

import org.openlora.kernels.LoraSlot;

/// An adapter whose weights are where the kernels can read them.
public interface ResidentAdapter {
    Digest digest();

    LoraSlot weights();

    /// A small number that no other resident adapter has; reused after eviction.
    int slot();
}
