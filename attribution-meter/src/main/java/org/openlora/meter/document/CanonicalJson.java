package org.openlora.meter.document;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.erdtman.jcs.JsonCanonicalizer;

/// RFC 8785 canonical JSON in UTF-8.
public final class CanonicalJson {
    /// Integers beyond ±2⁵³ have no exact form in RFC 8785; formats that hash numbers stay within.
    public static final long MAX_EXACT_INTEGER = 1L << 53;

    private CanonicalJson() {}

    public static byte[] bytes(JsonNode node) {
        try {
            return new JsonCanonicalizer(node.toString()).getEncodedUTF8();
        } catch (IOException e) {
            throw new UncheckedIOException("no canonical form of " + node, e);
        }
    }
}
