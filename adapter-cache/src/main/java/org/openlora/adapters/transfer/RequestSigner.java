package org.openlora.adapters.transfer;

import java.net.URI;
import java.util.Map;

/// Proves to a host who asks. Called for requests to the host that the credentials are for, and no other: after a
/// redirect elsewhere it is not asked.
@FunctionalInterface
public interface RequestSigner {
    /// The headers to add to a GET of this URI.
    ///
    /// @param headers that the request has already
    Map<String, String> sign(URI uri, Map<String, String> headers);

    static RequestSigner none() {
        return (uri, headers) -> Map.of();
    }

    /// A bearer token; an empty one signs nothing.
    static RequestSigner bearer(String token) {
        return token.isBlank() ? none() : (uri, headers) -> Map.of("Authorization", "Bearer " + token);
    }
}
