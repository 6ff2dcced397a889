package org.openlora.adapters.host;

import java.lang.foreign.Arena;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.Digest;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.kernels.LoraSlot;

/// An adapter with room reserved for it: loading first, then resident. Guarded by the residency's lock but for
/// what [ResidentAdapter] shows, which is fixed once it is loaded.
final class Resident implements ResidentAdapter {
    private final Digest digest;
    private final int slot;
    private final long sizeBytes;

    /// Granted requests that wait for this load.
    private final Set<LeaseRequest> awaiting = new LinkedHashSet<>();

    private int pins;
    private long lastUse;
    private @Nullable Arena arena;
    private @Nullable LoraSlot weights;

    Resident(Digest digest, int slot, long sizeBytes) {
        this.digest = digest;
        this.slot = slot;
        this.sizeBytes = sizeBytes;
    }

    @Override
    public Digest digest() {
        return digest;
    }

    @Override
    public int slot() {
        return slot;
    }

    @Override
    public LoraSlot weights() {
        if (weights == null) {
            throw new IllegalStateException("adapter " + digest + " is not loaded");
        }
        return weights;
    }

    void loaded(Arena arena, LoraSlot weights) {
        this.arena = arena;
        this.weights = weights;
    }

    boolean isLoaded() {
        return weights != null;
    }

    /// Frees the weights; nothing may read them any more.
    void free() {
        if (arena != null) {
            arena.close();
        }
    }

    long sizeBytes() {
        return sizeBytes;
    }

    Set<LeaseRequest> awaiting() {
        return awaiting;
    }

    int pins() {
        return pins;
    }

    void pins(int pins) {
        this.pins = pins;
    }

    long lastUse() {
        return lastUse;
    }

    void lastUse(long lastUse) {
        this.lastUse = lastUse;
    }

    boolean isIdle() {
        return isLoaded() && pins == 0;
    }
}
