package org.openlora.adapters.registry;

import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterManifest;
import org.openlora.adapters.AdapterSize;
import org.openlora.adapters.Digest;

/// What an adapter's name stands for: one content, with one manifest or none. Changed files are a new version.
///
/// @param number counts the versions of this name from 1
/// @param registeredAt when this version was first seen under this name
/// @param size what its weights take in memory
/// @param largestRank largest rank of its modules
public record AdapterVersion(
        String name,
        int number,
        Instant registeredAt,
        Digest digest,
        @Nullable AdapterManifest manifest,
        AdapterSize size,
        int largestRank) {
    public AdapterVersion {
        if (number < 1 || largestRank < 1) {
            throw new IllegalArgumentException(
                    "version " + number + " of " + name + ", largest rank " + largestRank + ": both must be positive");
        }
    }

    /// The manifest's digest; [Digest#ZERO] without one, which means "no lineage".
    public Digest manifestDigest() {
        return manifest == null ? Digest.ZERO : manifest.digest();
    }
}
