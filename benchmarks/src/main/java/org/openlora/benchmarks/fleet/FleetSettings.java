package org.openlora.benchmarks.fleet;

/// How much to measure.
///
/// @param streams closed loops of the traffic over the whole fleet
/// @param requests of that traffic; each answer is checked
/// @param maxTokens new tokens of each
/// @param repetitions of every comparison, its sides in turn
/// @param seconds of each side of a comparison
/// @param residentStreams whose latency is watched while others load
/// @param coldLoadsPerSecond asked for beside them, as a Poisson process
/// @param coldStarts requests that are timed alone, of each kind
/// @param few registered adapters that the whole fleet is compared with; all of them resident
/// @param seed of everything drawn at random
public record FleetSettings(
        int streams,
        int requests,
        int maxTokens,
        int repetitions,
        double seconds,
        int residentStreams,
        double coldLoadsPerSecond,
        int coldStarts,
        int few,
        long seed) {
    public FleetSettings {
        positive("streams", streams);
        positive("requests", requests);
        positive("max-tokens", maxTokens);
        positive("repetitions", repetitions);
        positive("seconds", seconds);
        positive("resident streams", residentStreams);
        positive("cold loads per second", coldLoadsPerSecond);
        positive("cold starts", coldStarts);
        positive("few", few);
    }

    private static void positive(String what, double value) {
        if (!(value > 0)) {
            throw new IllegalArgumentException("%s is %s; it must be above 0".formatted(what, value));
        }
    }
}
