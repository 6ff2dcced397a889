package org.openlora.server.adapters;

import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.Digest;

/// Something happened to an adapter.
///
/// @param digest null where it could not be read
/// @param problem why; null but with [Kind#FAILED] and [Kind#CORRUPT]
public record AdapterChange(
        Instant time,
        Kind kind,
        String name,
        @Nullable Digest digest,
        @Nullable String problem) {
    /// What happened.
    public enum Kind {
        /// The name is new.
        REGISTERED,
        /// The name stands for another content.
        UPDATED,
        /// The name is gone.
        DELETED,
        /// Its weights are in memory.
        LOADED,
        /// Its weights left memory.
        EVICTED,
        /// It could not be read or loaded.
        FAILED,
        /// Its weights were found changed in memory.
        CORRUPT,
        /// Somebody pinned it.
        PINNED,
        /// Nobody pins it any longer.
        UNPINNED,
        /// It leaves memory when its last request has finished.
        DRAINING
    }
}
