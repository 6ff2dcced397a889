package org.openlora.adapters.host;

import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.Digest;

/// A resident adapter at one moment.
///
/// @param tier the best that it has; null while it is being loaded
/// @param hostBytes of the units it has
/// @param leases that hold it
/// @param pinned the tier that it is kept in; null where it may be evicted
/// @param idle whether it may be put out of host memory when others need the room
/// @param hits requests that found it resident, or on its way
/// @param lastUse when a request last took or gave it up
public record ResidentStats(
        Digest digest,
        @Nullable Tier tier,
        long hostBytes,
        int leases,
        @Nullable Tier pinned,
        boolean idle,
        long hits,
        Instant lastUse) {}
