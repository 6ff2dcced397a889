package org.openlora.adapters.transfer;

import java.net.URI;
import java.net.http.HttpHeaders;
import java.util.Map;
import java.util.function.Function;

/// A file somewhere else.
///
/// @param name what messages call it; no secret
/// @param pinned what it must be, whatever its host says
/// @param announced reads what the file's own host says of it; a host that it redirects to is not believed
/// @param headers to send to the file's own host
public record RemoteFile(
        String name,
        URI uri,
        FileFacts pinned,
        Function<HttpHeaders, FileFacts> announced,
        Map<String, String> headers,
        RequestSigner signer) {
    /// A file of which its host says nothing that could be believed.
    public static RemoteFile of(String name, URI uri, FileFacts pinned, RequestSigner signer) {
        return new RemoteFile(name, uri, pinned, headers -> FileFacts.NONE, Map.of(), signer);
    }
}
