package org.openlora.adapters.host;

import java.time.Duration;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.Digest;

/// Something that happened to an adapter.
public sealed interface ResidencyEvent {
    Digest adapter();

    /// It was read, verified and laid out.
    record Loaded(Digest adapter, long bytes, Duration took) implements ResidencyEvent {}

    /// It could not be loaded; the waiting requests failed with the same reason.
    record Failed(Digest adapter, AdapterException reason) implements ResidencyEvent {}

    /// It lost its place in a tier: to make room, or because it was drained. What leaves [Tier#HOST] is gone.
    record Evicted(Digest adapter, Tier from) implements ResidencyEvent {}

    /// Its weights in memory no longer have the checksum that they were sealed with. It gets no new lease, and is
    /// loaded afresh when it is wanted.
    record Corrupt(Digest adapter) implements ResidencyEvent {}

    /// It is kept in a tier from now on.
    record Pinned(Digest adapter, Tier tier) implements ResidencyEvent {}

    /// It may be evicted again.
    record Unpinned(Digest adapter) implements ResidencyEvent {}
}
