package org.openlora.server.adapters;

import org.openlora.adapters.OneLine;
import org.openlora.adapters.origin.AdapterOrigin;

/// What clients may name as an origin: places elsewhere, never paths of this machine.
final class Origins {
    private static final String ALLOWED = "hf://owner/name@revision/subfolder, s3://bucket/prefix, or"
            + " https://host/folder/#file=sha256&file=sha256; folders under the adapter root are served by their names"
            + " without being registered";

    private Origins() {}

    /// @throws IllegalArgumentException for a path, or what is no origin
    static AdapterOrigin parse(String text) {
        if (!text.contains("://")) {
            throw new IllegalArgumentException(
                    "origin %s is not an address; allowed: %s".formatted(OneLine.quote(text), ALLOWED));
        }
        AdapterOrigin origin = AdapterOrigin.parse(text);
        return switch (origin) {
            case AdapterOrigin.HubRepository _, AdapterOrigin.S3Prefix _, AdapterOrigin.HttpsFiles _ -> origin;
            case AdapterOrigin.LocalFolder _ ->
                throw new IllegalArgumentException("origin %s is a path of this machine, which clients may not name;"
                                .formatted(OneLine.quote(text))
                        + " allowed: " + ALLOWED);
        };
    }
}
