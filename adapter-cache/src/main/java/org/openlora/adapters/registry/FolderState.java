package org.openlora.adapters.registry;

import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.Digest;

/// What a look at an adapter's folder gave.
sealed interface FolderState {
    String name();

    /// The folder's [FolderFingerprint] when it was read; null where it must be read again next time.
    @Nullable
    Digest fingerprint();

    record Sound(String name, @Nullable Digest fingerprint, FoundAdapter found) implements FolderState {}

    record Broken(String name, @Nullable Digest fingerprint, AdapterException reason) implements FolderState {}
}
