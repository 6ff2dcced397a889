package org.openlora.adapters.registry;

import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterManifest;
import org.openlora.adapters.AdapterSize;
import org.openlora.adapters.Digest;

/// What reading an adapter's files in full has shown.
record FoundAdapter(Digest digest, @Nullable AdapterManifest manifest, AdapterSize size, int largestRank) {
    /// [Digest#ZERO] without a manifest.
    Digest manifestDigest() {
        return manifest == null ? Digest.ZERO : manifest.digest();
    }

    AdapterVersion as(String name, int number, Instant registeredAt) {
        return new AdapterVersion(name, number, registeredAt, digest, manifest, size, largestRank);
    }
}
