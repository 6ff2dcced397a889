package org.openlora.server.serving;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.Digest;

/// A call that was taken on.
///
/// @param requestId the client's id, or the one made up for it
/// @param engineId the id by which the engine and the receipt know it
/// @param baseDigest the base model
/// @param adapters in digest order
/// @param promptTokens length of the prompt
public record Admission(
        String requestId, String engineId, Digest baseDigest, List<ResolvedAdapter> adapters, int promptTokens) {
    public Admission {
        adapters = List.copyOf(adapters);
    }

    /// An adapter as it runs.
    ///
    /// @param name the name it was asked by; null where it was asked by digest
    /// @param manifestDigest [Digest#ZERO] without a manifest
    public record ResolvedAdapter(@Nullable String name, Digest digest, Digest manifestDigest, int scalePpm) {}
}
