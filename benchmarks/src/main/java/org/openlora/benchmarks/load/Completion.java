package org.openlora.benchmarks.load;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// What became of one request. Times are [System#nanoTime].
///
/// @param arrivals of each piece of text, in nanoseconds
/// @param tokens what was drawn, where the request asked for it token by token; empty otherwise
/// @param outputTokens as the server counts them; the number of pieces where it does not say
/// @param promptTokens as the server counts them; 0 where it does not say
/// @param cachedTokens prompt tokens whose keys and values the server had already
/// @param outcome how it ended
/// @param problem what went wrong; null unless the outcome is [Outcome#FAILED]
public record Completion(
        int adapter,
        long startNanos,
        List<Long> arrivals,
        List<Token> tokens,
        long endNanos,
        int outputTokens,
        int promptTokens,
        int cachedTokens,
        Outcome outcome,
        @Nullable String problem) {
    public Completion {
        arrivals = List.copyOf(arrivals);
        tokens = List.copyOf(tokens);
    }

    /// One token of an answer: its text, and how likely it was in all its digits, which tells weights apart that
    /// would draw the same text.
    public record Token(String text, double logprob) {}

    /// How a request ended.
    public enum Outcome {
        FINISHED,
        /// Given up by this client, on purpose.
        ABORTED,
        FAILED
    }
}
