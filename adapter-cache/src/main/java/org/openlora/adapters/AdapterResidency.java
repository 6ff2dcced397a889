package org.openlora.adapters;

import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/// Makes adapters resident and keeps them so while they are leased.
public interface AdapterResidency {
    /// Leases all the named adapters, or none.
    ///
    /// Never blocks. The future ends with a lease on every adapter, or with an [AdapterException] that tells why
    /// one cannot be had before `deadline`. Cancelling it gives up the request. An empty set gives an empty
    /// lease. Do not act in the future's callbacks: hand the lease to the thread that will use it.
    CompletableFuture<AdapterLease> acquire(Set<Digest> adapters, Instant deadline);

    /// Names adapters that will be wanted soon, the soonest first, in place of those named before. Only a hint: they
    /// are loaded when no request waits for a load, and put out nothing that is leased, pinned or wanted sooner.
    /// Never blocks.
    void prefetch(List<Digest> adapters);

    /// Where leased adapters stand. The same table as long as the residency lives.
    SlotTable slots();
}
