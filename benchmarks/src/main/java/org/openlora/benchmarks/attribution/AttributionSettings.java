package org.openlora.benchmarks.attribution;

/// How to measure.
///
/// @param adapters each with a datanet of its own
/// @param streams closed loops
/// @param pairs of runs, with scoring on and off
/// @param requests of one run
/// @param maxTokens of each answer
/// @param promptTokens of each prompt
/// @param corpusTokens of all datanets together, about
/// @param recordedShare of the requests whose answers are written into the datanets beforehand
/// @param provisional whether growing answers are attributed too
public record AttributionSettings(
        int adapters,
        int streams,
        int pairs,
        int requests,
        int maxTokens,
        int promptTokens,
        long corpusTokens,
        double recordedShare,
        boolean provisional,
        long seed) {
    public AttributionSettings {
        if (adapters < 1 || streams < 1 || pairs < 1 || requests < 1 || maxTokens < 1 || promptTokens < 1) {
            throw new IllegalArgumentException("adapters, streams, pairs, requests and tokens must be at least 1");
        }
        if (!(recordedShare >= 0 && recordedShare <= 1)) {
            throw new IllegalArgumentException("the recorded share is %s; it is from 0 to 1".formatted(recordedShare));
        }
    }
}
