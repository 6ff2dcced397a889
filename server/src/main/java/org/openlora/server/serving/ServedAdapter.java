package org.openlora.server.serving;

import org.openlora.adapters.Digest;

/// An adapter that a tenant sees.
public sealed interface ServedAdapter {
    String name();

    /// It can be named in a request.
    ///
    /// @param manifestDigest [Digest#ZERO] without a manifest
    /// @param rank the largest of its modules
    /// @param description empty without a manifest
    record Ready(String name, Digest digest, Digest manifestDigest, int rank, String description)
            implements ServedAdapter {}

    /// It cannot be served, and why.
    record Failed(String name, String reason) implements ServedAdapter {}
}
