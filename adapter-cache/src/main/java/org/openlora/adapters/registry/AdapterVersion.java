package org.openlora.adapters.registry;

import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterManifest;
import org.openlora.adapters.Digest;
import org.openlora.adapters.peft.PeftAdapter;

/// What an adapter's name stands for: one content, with one manifest or none. A changed folder is a new version.
public record AdapterVersion(
        String name, PeftAdapter adapter, @Nullable AdapterManifest manifest) {
    public Digest digest() {
        return adapter.digest();
    }

    /// The manifest's digest; [Digest#ZERO] without one, which means "no lineage".
    public Digest manifestDigest() {
        return manifest == null ? Digest.ZERO : manifest.digest();
    }
}
