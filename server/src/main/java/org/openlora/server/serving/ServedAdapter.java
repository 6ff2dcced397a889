package org.openlora.server.serving;

import org.openlora.adapters.Digest;

/// An adapter under the adapter root.
public sealed interface ServedAdapter {
    String name();

    /// It can be named in a request.
    ///
    /// @param manifestDigest [Digest#ZERO] without a manifest
    /// @param rank of the modules that have no rank of their own
    /// @param description empty without a manifest
    record Ready(String name, Digest digest, Digest manifestDigest, int rank, String description)
            implements ServedAdapter {}

    /// It cannot be served, and why.
    record Failed(String name, String reason) implements ServedAdapter {}
}
