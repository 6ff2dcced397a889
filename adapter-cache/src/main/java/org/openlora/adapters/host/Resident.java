package org.openlora.adapters.host;

import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterSize;
import org.openlora.adapters.Digest;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.kernels.LoraSlot;

/// An adapter with room in host memory, from the reservation to the eviction. Guarded by the residency's lock but for
/// what [ResidentAdapter] shows.
final class Resident implements ResidentAdapter {
    enum Phase {
        /// Has room, waits for its turn to be loaded.
        TO_LOAD,
        LOADING,
        /// Loaded ahead of any request; not compared with its checksums yet.
        LOADED,
        /// Wanted, waits for its turn to be compared with its checksums.
        TO_CHECK,
        CHECKING,
        /// Can be leased.
        READY,
        /// Its memory is others' by now.
        GONE
    }

    static final int NO_SLOT = -1;

    private final Digest digest;
    private final AdapterSize size;
    private final Placement placement;

    /// Granted requests that wait until this is [Phase#READY].
    private final Set<LeaseRequest> awaiting = new LinkedHashSet<>();

    /// Completed when it is [Phase#GONE].
    private final CompletableFuture<Void> gone = new CompletableFuture<>();

    private Phase phase = Phase.TO_LOAD;
    private int holds;
    private int leases;
    private @Nullable Tier pinned;
    private long hits;
    private long lastUse;
    private Instant lastUsed = Instant.EPOCH;
    private boolean toBeDrained;
    private boolean detached;
    private volatile int slot = NO_SLOT;
    private volatile boolean corrupt;
    private volatile @Nullable LoraSlot weights;

    Resident(Digest digest, AdapterSize size, Placement placement) {
        this.digest = digest;
        this.size = size;
        this.placement = placement;
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
        LoraSlot present = weights;
        if (present == null) {
            throw new IllegalStateException("adapter " + digest + " is not resident");
        }
        return present;
    }

    @Override
    public boolean isSound() {
        return !corrupt;
    }

    AdapterSize size() {
        return size;
    }

    Placement placement() {
        return placement;
    }

    Set<LeaseRequest> awaiting() {
        return awaiting;
    }

    CompletableFuture<Void> gone() {
        return gone;
    }

    Phase phase() {
        return phase;
    }

    void phase(Phase phase) {
        this.phase = phase;
    }

    void loaded(LoraSlot weights) {
        this.weights = weights;
        this.phase = Phase.LOADED;
    }

    /// Nothing may read the weights any more.
    void forget() {
        weights = null;
        phase = Phase.GONE;
    }

    boolean isReady() {
        return phase == Phase.READY;
    }

    /// Neither being loaded nor gone.
    boolean isLoaded() {
        return weights != null;
    }

    boolean isCorrupt() {
        return corrupt;
    }

    void condemn() {
        corrupt = true;
    }

    /// No request can find it any more; it goes when the last that holds it ends.
    boolean isDetached() {
        return detached;
    }

    void detach() {
        detached = true;
    }

    /// To be hidden from requests as soon as its load has ended.
    boolean isToBeDrained() {
        return toBeDrained;
    }

    void drainOnceLoaded() {
        toBeDrained = true;
    }

    /// Granted requests that hold it in host memory, leases among them.
    int holds() {
        return holds;
    }

    void holds(int holds) {
        this.holds = holds;
    }

    /// Leases, which hold it in its slot.
    int leases() {
        return leases;
    }

    void leases(int leases) {
        this.leases = leases;
    }

    @Nullable
    Tier pinned() {
        return pinned;
    }

    void pinned(@Nullable Tier pinned) {
        this.pinned = pinned;
    }

    long hits() {
        return hits;
    }

    void countHit() {
        hits++;
    }

    long lastUse() {
        return lastUse;
    }

    Instant lastUsed() {
        return lastUsed;
    }

    /// @param use its place in the order of all uses
    void used(long use, Instant when) {
        lastUse = use;
        lastUsed = when;
    }

    boolean hasSlot() {
        return slot != NO_SLOT;
    }

    void slot(int slot) {
        this.slot = slot;
    }

    /// Whether it can be put out of host memory.
    boolean isIdle() {
        return (phase == Phase.LOADED || phase == Phase.READY) && holds == 0 && pinned == null && !detached;
    }

    /// Whether it can be put out of its slot.
    boolean isIdleInSlot() {
        return hasSlot() && leases == 0 && pinned != Tier.DEVICE;
    }
}
