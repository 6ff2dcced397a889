package org.openlora.adapters.host;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.CompletableFuture;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.Digest;

/// A caller's wish for adapters, from `acquire` to the end of its lease. Guarded by the residency's lock.
final class LeaseRequest {
    enum State {
        /// Holds nothing, waits for room.
        WAITING,
        /// Holds room for all its adapters; some are still loading.
        GRANTED,
        /// All loaded, in the caller's hands.
        LEASED,
        /// Over: released, failed or given up.
        ENDED
    }

    private final SortedMap<Digest, Long> sizesBytes;
    private final Instant deadline;
    private final CompletableFuture<AdapterLease> future = new CompletableFuture<>();
    private final List<Resident> pinned = new ArrayList<>();
    private State state = State.WAITING;
    private int overtaken;

    LeaseRequest(SortedMap<Digest, Long> sizesBytes, Instant deadline) {
        this.sizesBytes = Collections.unmodifiableSortedMap(sizesBytes);
        this.deadline = deadline;
    }

    /// What it asks for, in order of digest, with the bytes that each takes.
    SortedMap<Digest, Long> sizesBytes() {
        return sizesBytes;
    }

    long totalBytes() {
        return sizesBytes.values().stream().mapToLong(Long::longValue).reduce(0, Math::addExact);
    }

    Instant deadline() {
        return deadline;
    }

    CompletableFuture<AdapterLease> future() {
        return future;
    }

    /// What it holds, in order of digest; empty while it waits and when it is over.
    List<Resident> pinned() {
        return pinned;
    }

    State state() {
        return state;
    }

    void state(State state) {
        this.state = state;
    }

    boolean isPending() {
        return state == State.WAITING || state == State.GRANTED;
    }

    boolean isComplete() {
        return pinned.stream().allMatch(Resident::isLoaded);
    }

    /// How many later requests went before this one.
    int overtaken() {
        return overtaken;
    }

    void countOvertaken() {
        overtaken++;
    }
}
