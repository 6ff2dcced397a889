package org.openlora.engine;

import org.openlora.engine.sampling.SamplingParams;
import org.openlora.engine.tokenizer.StreamingDetokenizer;

/// A response's text as it grows: whole code points, cut at a stop string, never taking back what was given out.
///
/// The stop string that counts is the one that would be complete first if the text came letter by letter, of several
/// that end with the same letter the longest: it does not depend on where tokens begin and end. One that is complete
/// within the first `minTokens` tokens does not count.
final class TextStream {
    private final StreamingDetokenizer detokenizer;
    private final SamplingParams params;
    private final StringBuilder held = new StringBuilder();
    private int tokens;
    private boolean stopped;

    TextStream(StreamingDetokenizer detokenizer, SamplingParams params) {
        this.detokenizer = detokenizer;
        this.params = params;
    }

    /// Adds a token and returns the text that is certain by now.
    String add(int tokenId) {
        tokens++;
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
        if (stopped || params.stop().isEmpty()) {
            return stopped ? "" : text;
        }
        int before = held.length();
        held.append(text);
        if (tokens > params.minTokens()) {
            cutAtStop(before);
        }
        int certain = stopped || last ? held.length() : held.length() - longestStopPrefixAtEnd();
        String released = held.substring(0, certain);
        held.delete(0, certain);
        return released;
    }

    /// @param before length of the text that was searched already
    private void cutAtStop(int before) {
        int bestStart = -1;
        int bestEnd = Integer.MAX_VALUE;
        for (String stop : params.stop()) {
            int start = held.indexOf(stop, Math.max(0, before - stop.length() + 1));
            int end = start + stop.length();
            if (start >= 0 && (end < bestEnd || (end == bestEnd && start < bestStart))) {
                bestStart = start;
                bestEnd = end;
            }
        }
        if (bestStart >= 0) {
            stopped = true;
            held.setLength(params.includeStop() ? bestEnd : bestStart);
        }
    }

    private int longestStopPrefixAtEnd() {
        int longest = 0;
        for (String stop : params.stop()) {
            int length = Math.min(stop.length() - 1, held.length());
            while (length > longest && !endsWithPrefix(stop, length)) {
                length--;
            }
            longest = Math.max(longest, length);
        }
        return longest;
    }

    private boolean endsWithPrefix(String stop, int length) {
        int at = held.length() - length;
        int same = 0;
        while (same < length && held.charAt(at + same) == stop.charAt(same)) {
            same++;
        }
        return same == length;
    }
}
