package org.openlora.meter.datanet;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;

/// One row of a datanet.
///
/// @param contributor index into [Datanet#contributors]
/// @param prompt what was asked, where the row is an answer; never searched for evidence
/// @param text the contributed text; the only part that is searched
public record DatanetRow(int contributor, @Nullable String prompt, String text) {
    /// Rows with one fingerprint are copies of each other, and only the first registered of them is paid: the
    /// text with runs of ASCII white space made one space, ends trimmed, ASCII letters in lower case. Nothing
    /// here depends on a Unicode version, so the clusters never change.
    Bytes32 fingerprint() {
        return Sha256.hash(normalised(text).getBytes(StandardCharsets.UTF_8));
    }

    static String normalised(String text) {
        StringBuilder out = new StringBuilder(text.length());
        boolean gap = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == ' ' || (c >= '\t' && c <= '\r')) {
                gap = true;
                continue;
            }
            if (gap && !out.isEmpty()) {
                out.append(' ');
            }
            gap = false;
            out.append(c >= 'A' && c <= 'Z' ? (char) (c + 32) : c);
        }
        return out.toString();
    }
}
