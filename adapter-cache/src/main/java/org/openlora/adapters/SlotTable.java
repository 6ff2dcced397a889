package org.openlora.adapters;

import org.jspecify.annotations.Nullable;

/// Which adapter's weights stand in which slot of the device. To be read by any thread, without locks and without
/// garbage.
///
/// A leased adapter keeps its slot, with the same content, until its last lease is closed.
public interface SlotTable {
    /// Slots there are: the most adapters that can be leased at once.
    int slots();

    /// Grows whenever the content of a slot changes. Metadata made from the table is as new as the epoch read *before*
    /// it was made.
    long epoch();

    /// What stands in a slot; null where nothing does. Throws [IndexOutOfBoundsException].
    @Nullable
    ResidentAdapter at(int slot);
}
