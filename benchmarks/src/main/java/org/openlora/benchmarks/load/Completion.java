package org.openlora.benchmarks.load;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// What became of one request. Times are [System#nanoTime].
///
/// @param arrivals of each piece of text, in nanoseconds
/// @param outputTokens as the server counts them; the number of pieces where it does not say
/// @param promptTokens as the server counts them; 0 where it does not say
/// @param cachedTokens prompt tokens whose keys and values the server had already
/// @param outcome how it ended
/// @param problem what went wrong; null unless the outcome is [Outcome#FAILED]
public record Completion(
        int adapter,
        long startNanos,
        List<Long> arrivals,
        long endNanos,
        int outputTokens,
        int promptTokens,
        int cachedTokens,
        Outcome outcome,
        @Nullable String problem) {
    public Completion {
        arrivals = List.copyOf(arrivals);
    }

    /// How a request ended.
    public enum Outcome {
        FINISHED,
        /// Given up by this client, on purpose.
        ABORTED,
        FAILED
    }
}
