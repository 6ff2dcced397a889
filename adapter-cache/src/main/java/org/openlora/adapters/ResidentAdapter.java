package org.openlora.adapters;

import org.openlora.kernels.LoraSlot;

/// An adapter whose weights are where the kernels can read them.
public interface ResidentAdapter {
    Digest digest();

    LoraSlot weights();

    /// Its place in the [SlotTable]: no other resident adapter has it, and it stays as long as the adapter is leased.
    int slot();

    /// False once its weights in memory are known not to be those that were loaded: nothing computed with them may be
    /// used. Costs a read of one field.
    default boolean isSound() {
        return true;
    }
}
