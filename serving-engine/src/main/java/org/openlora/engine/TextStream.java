package org.openlora.engine;

import java.util.List;
import org.openlora.engine.tokenizer.StreamingDetokenizer;

/// A response's text as it grows: whole code points, cut before a stop string, never taking back what was given
/// out.
final class TextStream {
    private final StreamingDetokenizer detokenizer;
    private final List<String> stops;
    private final StringBuilder held = new StringBuilder();
    private boolean stopped;

    TextStream(StreamingDetokenizer detokenizer, List<String> stops) {
        this.detokenizer = detokenizer;
        this.stops = stops;
    }

    /// Adds a token and returns the text that is certain by now.
    String add(int tokenId) {
        return release(detokenizer.add(tokenId), false);
    }

    /// Ends the text and returns what was held back.
    String finish() {
        return release(detokenizer.finish(), true);
    }

    /// Whether a stop string was reached; nothing comes after it.
    boolean stopped() {
        return stopped;
    }

    private String release(String text, boolean last) {
        if (stopped) {
            return "";
        }
        held.append(text);
        int cut = earliestStop();
        if (cut >= 0) {
            stopped = true;
            held.setLength(cut);
        }
        int certain = stopped || last ? held.length() : held.length() - longestStopPrefixAtEnd();
        String released = held.substring(0, certain);
        held.delete(0, certain);
        return released;
    }

    private int earliestStop() {
        int earliest = -1;
        for (String stop : stops) {
            int at = held.indexOf(stop);
            if (at >= 0 && (earliest < 0 || at < earliest)) {
                earliest = at;
            }
        }
        return earliest;
    }

    private int longestStopPrefixAtEnd() {
        int longest = 0;
        for (String stop : stops) {
            for (int length = Math.min(stop.length() - 1, held.length()); length > longest; length--) {
                if (stop.startsWith(held.substring(held.length() - length))) {
                    longest = length;
                }
            }
        }
        return longest;
    }
}
