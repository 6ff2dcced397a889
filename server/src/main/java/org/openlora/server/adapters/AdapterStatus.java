package org.openlora.server.adapters;

import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.Digest;

/// An adapter under one of its names, at one moment.
///
/// @param shared whether the name is everybody's: a folder under the adapter root
/// @param content null where it could not be read
/// @param problem why it cannot be served; null where it can
/// @param origin where it came from
/// @param leases of all tenants
/// @param hits leases that found it in memory, since it came there
/// @param pinned by anybody
/// @param lastUse when it was last leased; null where it has not been since it came into memory
public record AdapterStatus(
        String name,
        boolean shared,
        @Nullable Content content,
        @Nullable String problem,
        String origin,
        Tier tier,
        State state,
        int leases,
        long hits,
        boolean pinned,
        @Nullable Instant lastUse) {

    /// What the name stands for.
    ///
    /// @param version counts the name's contents from 1
    /// @param manifestDigest [Digest#ZERO] without a manifest
    /// @param description empty without a manifest
    /// @param residentBytes that its weights take in memory
    public record Content(
            Digest digest,
            int version,
            Digest manifestDigest,
            String description,
            int largestRank,
            long residentBytes) {}

    /// How near to the kernels the weights are; later is nearer.
    public enum Tier {
        /// The files must be fetched from their origin again.
        REGISTERED,
        /// The files lie on this machine's disk.
        DISK,
        /// The weights are in memory.
        HOST,
        /// The weights have a slot that the next step can use.
        DEVICE
    }

    /// What can be done with it now.
    public enum State {
        /// Requests for it are served, from whatever tier.
        READY,
        /// It is on its way into memory.
        LOADING,
        /// It leaves memory when its last request has finished.
        DRAINING,
        /// It cannot be served.
        FAILED
    }
}
