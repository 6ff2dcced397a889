package org.openlora.adapters.host;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.CompletableFuture;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.AdapterSize;
import org.openlora.adapters.Digest;

/// A caller's wish for adapters, from `acquire` to the end of its lease. Guarded by the residency's lock.
final class LeaseRequest {
    enum State {
        /// Holds nothing, waits for room in host memory.
        WAITING,
        /// Holds room for all its adapters in host memory; some are still loading.
        LOADING,
        /// All are loaded; waits for slots.
        SEATING,
        /// In the caller's hands.
        LEASED,
        /// Over: released, failed or given up.
        ENDED
    }

    private final SortedMap<Digest, AdapterSize> sizes;
    private final Tier tier;
    private final Instant deadline;
    private final CompletableFuture<AdapterLease> future = new CompletableFuture<>();
    private final List<Resident> held = new ArrayList<>();
    private State state = State.WAITING;
    private int overtaken;

    /// @param tier where they are wanted: a slot each, or host memory only
    LeaseRequest(SortedMap<Digest, AdapterSize> sizes, Tier tier, Instant deadline) {
        this.sizes = Collections.unmodifiableSortedMap(sizes);
        this.tier = tier;
        this.deadline = deadline;
    }

    /// What it asks for, in order of digest.
    SortedMap<Digest, AdapterSize> sizes() {
        return sizes;
    }

    long totalBytes() {
        return sizes.values().stream().mapToLong(AdapterSize::bytes).reduce(0, Math::addExact);
    }

    boolean needsSlots() {
        return tier == Tier.DEVICE;
    }

    Instant deadline() {
        return deadline;
    }

    CompletableFuture<AdapterLease> future() {
        return future;
    }

    /// What it holds, in order of digest; empty while it waits and when it is over.
    List<Resident> held() {
        return held;
    }

    State state() {
        return state;
    }

    void state(State state) {
        this.state = state;
    }

    boolean isPending() {
        return state == State.WAITING || state == State.LOADING || state == State.SEATING;
    }

    boolean isLoaded() {
        return held.stream().allMatch(Resident::isReady);
    }

    /// How many later requests went before this one in the queue that it is in.
    int overtaken() {
        return overtaken;
    }

    void overtaken(int overtaken) {
        this.overtaken = overtaken;
    }
}
