package org.openlora.meter.evidence;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.openlora.meter.datanet.DatanetRow;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;

/// Version 1: texts are copies that are equal with runs of ASCII white space made one space, ends trimmed and ASCII
/// letters in lower case.
///
/// @param originals of the rows that are copies
record NormalisedCopies(Map<Source, Source> originals) implements OriginalRows {
    /// Reads every row once.
    static NormalisedCopies of(List<Corpus> corpora) {
        Map<Bytes32, Source> first = new HashMap<>();
        Map<Source, Source> originals = new HashMap<>();
        for (int d = 0; d < corpora.size(); d++) {
            int r = 0;
            for (DatanetRow row : corpora.get(d).datanet().rows()) {
                Source here = new Source(d, r++);
                Bytes32 fingerprint = Sha256.hash(normalised(row.text()).getBytes(StandardCharsets.UTF_8));
                Source earlier = first.putIfAbsent(fingerprint, here);
                if (earlier != null) {
                    originals.put(here, earlier);
                }
            }
        }
        return new NormalisedCopies(Map.copyOf(originals));
    }

    private static String normalised(String text) {
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

    @Override
    public Source original(Source row) {
        return originals.getOrDefault(row, row);
    }

    @Override
    public boolean isOlder(Source original) {
        return false;
    }
}
