package org.openlora.benchmarks.load;

import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.openlora.benchmarks.load.Completion.Outcome;

/// The figures of one run.
///
/// @param tokensPerSecond output tokens over the wall time, prefill included
/// @param cachedShare cached prompt tokens over all prompt tokens, as the server counts them
/// @param ttft time to first token
/// @param itl inter-token latency: between two pieces of text of one request
/// @param e2e from sending a request to its end
public record LoadSummary(
        int requests,
        int failed,
        int aborted,
        double wallSeconds,
        long outputTokens,
        double tokensPerSecond,
        double cachedShare,
        Latency ttft,
        Latency itl,
        Latency e2e) {
    /// Milliseconds; all 0 where nothing was measured.
    public record Latency(double p50Millis, double p90Millis, double p99Millis, double maxMillis) {
        public static Latency of(DoubleStream millis) {
            Percentiles percentiles = new Percentiles(millis);
            return new Latency(percentiles.at(50), percentiles.at(90), percentiles.at(99), percentiles.max());
        }
    }

    public static LoadSummary of(LoadGenerator.Run run) {
        List<Completion> completions = run.completions();
        long tokens = completions.stream().mapToLong(Completion::outputTokens).sum();
        long prompt = completions.stream().mapToLong(Completion::promptTokens).sum();
        long cached = completions.stream().mapToLong(Completion::cachedTokens).sum();
        return new LoadSummary(
                completions.size(),
                count(completions, Outcome.FAILED),
                count(completions, Outcome.ABORTED),
                run.wallSeconds(),
                tokens,
                tokens / run.wallSeconds(),
                prompt == 0 ? 0 : (double) cached / prompt,
                Latency.of(firstTokenMillis(completions)),
                Latency.of(interTokenMillis(completions)),
                Latency.of(completions.stream()
                        .mapToDouble(completion -> millis(completion.startNanos(), completion.endNanos()))));
    }

    /// Time to first token of every request that had one.
    public static DoubleStream firstTokenMillis(List<Completion> completions) {
        return completions.stream()
                .filter(completion -> !completion.arrivals().isEmpty())
                .mapToDouble(completion ->
                        millis(completion.startNanos(), completion.arrivals().getFirst()));
    }

    /// Every gap between two pieces of text of one request.
    public static DoubleStream interTokenMillis(List<Completion> completions) {
        return completions.stream().map(Completion::arrivals).flatMapToDouble(arrivals -> IntStream.range(
                        1, arrivals.size())
                .mapToDouble(i -> millis(arrivals.get(i - 1), arrivals.get(i))));
    }

    private static int count(List<Completion> completions, Outcome outcome) {
        return (int) completions.stream()
                .filter(completion -> completion.outcome() == outcome)
                .count();
    }

    private static double millis(long fromNanos, long toNanos) {
        return (toNanos - fromNanos) / 1e6;
    }
}
