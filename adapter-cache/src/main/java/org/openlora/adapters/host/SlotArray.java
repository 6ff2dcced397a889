package org.openlora.adapters.host;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.adapters.SlotTable;

/// The slot table. Written under the residency's lock, read by anyone.
final class SlotArray implements SlotTable {
    private final AtomicReferenceArray<@Nullable ResidentAdapter> slots;
    private final AtomicLong epoch = new AtomicLong();

    SlotArray(int slots) {
        this.slots = new AtomicReferenceArray<>(slots);
    }

    @Override
    public int slots() {
        return slots.length();
    }

    @Override
    public long epoch() {
        return epoch.get();
    }

    @Override
    public @Nullable ResidentAdapter at(int slot) {
        return slots.get(slot);
    }

    /// Changes a slot, then the epoch: who reads the new epoch sees the new content.
    void set(int slot, @Nullable ResidentAdapter adapter) {
        slots.set(slot, adapter);
        epoch.incrementAndGet();
    }
}
