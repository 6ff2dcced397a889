package org.openlora.adapters.transfer;

import java.util.Optional;
import java.util.OptionalLong;

/// What is known of a file before it has arrived, from its host or from whoever pinned it.
///
/// @param sizeBytes of the whole file
/// @param version an entity tag to ask for when a transfer is taken up again; empty where the address itself never
///     changes its content
public record FileFacts(OptionalLong sizeBytes, Optional<ContentHash> hash, String version) {
    public static final FileFacts NONE = new FileFacts(OptionalLong.empty(), Optional.empty(), "");

    /// These facts, and where they are silent the others.
    FileFacts or(FileFacts others) {
        return new FileFacts(
                sizeBytes.isPresent() ? sizeBytes : others.sizeBytes,
                hash.isPresent() ? hash : others.hash,
                version.isEmpty() ? others.version : version);
    }

    static FileFacts ofSize(long bytes) {
        return new FileFacts(OptionalLong.of(bytes), Optional.empty(), "");
    }
}
