package org.openlora.benchmarks.report;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.openlora.benchmarks.load.LoadSummary;
import org.openlora.benchmarks.load.LoadSummary.Latency;

/// Thousands of adapters on one server, as committed.
///
/// @param server what was measured: its command line
/// @param fleet what it served
/// @param startup how long it took to be ready
/// @param memory the server's, beside what it was allowed
/// @param counters what the server counted during each part, where it counts at all
public record FleetReport(
        Provenance provenance,
        String server,
        FleetFacts fleet,
        Startup startup,
        Answers answers,
        Stalls stalls,
        Registered registered,
        ColdStarts coldStarts,
        Memory memory,
        Map<String, Map<String, Double>> counters) {
    /// A stall is a tail that grows by more than this factor ...
    private static final double MOST_TAIL_RATIO = 1.5;
    /// ... and by more than this.
    private static final double MOST_TAIL_MILLIS = 10;
    /// Share of the throughput that registered adapters may cost which nobody asks for.
    private static final double MOST_REGISTERED_COST = 0.10;

    /// @param fileMebibytes of all weights on the disk
    /// @param hostMebibytes room in memory
    /// @param hostAdapters room in memory, counted
    /// @param deviceSlots room on the device
    public record FleetFacts(
            int adapters,
            int minRank,
            int maxRank,
            List<String> targets,
            long seed,
            double fileMebibytes,
            double hostMebibytes,
            int hostAdapters,
            int deviceSlots) {}

    /// Seconds from starting the process to its being healthy.
    ///
    /// @param firstSeconds with an empty home
    /// @param againSeconds with what the first start left there
    public record Startup(double firstSeconds, double againSeconds) {}

    /// Zipf traffic over the whole fleet, each answer compared with the adapter's own, given alone.
    ///
    /// @param checked answers that were compared
    /// @param failed requests that had no answer, in company or alone
    /// @param wrongTokens places at which the text of a token differs
    /// @param otherLogprobs places at which only its log-probability differs
    /// @param pairs of answers by two adapters to one prompt
    /// @param equalPairs of them that are equal: these adapters the check cannot tell apart
    public record Answers(
            LoadSummary load,
            int checked,
            int failed,
            int wrongAnswers,
            int wrongTokens,
            int otherLogprobs,
            int pairs,
            int equalPairs) {}

    /// One side of a comparison of stalls.
    ///
    /// @param itl of resident answers while visitors came
    /// @param gaps that it is of
    /// @param visitors requests beside them, each a load on one of the sides
    /// @param visitorTtftMillis median time to a visitor's first token
    public record Side(Latency itl, int gaps, int visitors, int failed, double visitorTtftMillis) {}

    /// The two sides, one right after the other.
    public record Pair(Side without, Side with) {}

    /// @param ratio p99 with loads over p99 without, of all repetitions together
    /// @param pairRatio median over the repetitions of the same
    /// @param differenceMillis p99 with loads less p99 without
    /// @param withoutMillis permilles 0 to 1000
    /// @param withMillis permilles 0 to 1000
    public record Stalls(
            double ratio,
            double pairRatio,
            double differenceMillis,
            List<Pair> pairs,
            List<Double> withoutMillis,
            List<Double> withMillis) {
        private static final int P99 = 990;

        public static Stalls of(List<Pair> pairs, List<Double> withoutMillis, List<Double> withMillis) {
            double without = withoutMillis.get(P99);
            double with = withMillis.get(P99);
            return new Stalls(
                    with / without,
                    median(
                            pairs,
                            pair -> pair.with().itl().p99Millis()
                                    / pair.without().itl().p99Millis()),
                    with - without,
                    List.copyOf(pairs),
                    withoutMillis,
                    withMillis);
        }

        boolean held() {
            return ratio <= MOST_TAIL_RATIO || differenceMillis <= MOST_TAIL_MILLIS;
        }
    }

    /// The same traffic on two servers, one right after the other.
    public record ThroughputPair(LoadSummary many, LoadSummary few) {}

    /// @param ratio median over the repetitions of the throughput with many over that with few
    public record Registered(int many, int few, double ratio, List<ThroughputPair> pairs) {
        public static Registered of(int many, int few, List<ThroughputPair> pairs) {
            return new Registered(
                    many,
                    few,
                    median(
                            pairs,
                            pair -> pair.many().tokensPerSecond() / pair.few().tokensPerSecond()),
                    List.copyOf(pairs));
        }

        boolean held() {
            return ratio >= 1 - MOST_REGISTERED_COST;
        }
    }

    /// Time to first token of a request alone on the server.
    ///
    /// @param step between two tokens of a resident answer
    /// @param disk where the adapter has to be read; its file may be in the system's page cache
    /// @param host where it lies in memory but not on the device
    /// @param resident where it was used by the request before
    /// @param diskSteps what reading it adds, in decode steps, as medians
    /// @param hostSteps what bringing it to the device adds, in decode steps, as medians
    public record ColdStarts(
            int rank,
            int promptTokens,
            Latency step,
            Latency disk,
            Latency host,
            Latency resident,
            double diskSteps,
            double hostSteps,
            int failed) {
        public static ColdStarts of(
                int rank, int promptTokens, Latency step, Latency disk, Latency host, Latency resident, int failed) {
            double stepMillis = step.p50Millis();
            return new ColdStarts(
                    rank,
                    promptTokens,
                    step,
                    disk,
                    host,
                    resident,
                    (disk.p50Millis() - resident.p50Millis()) / stepMillis,
                    (host.p50Millis() - resident.p50Millis()) / stepMillis,
                    failed);
        }
    }

    /// @param seconds since the server was ready
    public record MemorySample(String phase, double seconds, double mebibytes) {}

    /// @param beforeMebibytes resident before any adapter was asked for
    /// @param peakMebibytes the most of all samples
    /// @param adapterMebibytes what the server may hold of adapters
    public record Memory(
            double beforeMebibytes, double peakMebibytes, double adapterMebibytes, List<MemorySample> samples) {
        public static Memory of(double adapterMebibytes, List<MemorySample> samples) {
            return new Memory(
                    samples.isEmpty() ? 0 : samples.getFirst().mebibytes(),
                    samples.stream().mapToDouble(MemorySample::mebibytes).max().orElse(0),
                    adapterMebibytes,
                    List.copyOf(samples));
        }

        /// Beyond what it had before and the room for adapters: heap, buffers, compiled code.
        public double otherMebibytes() {
            return peakMebibytes - beforeMebibytes - adapterMebibytes;
        }
    }

    /// Whether what was measured is what was promised. `figure` says how far.
    public record Verdict(String promise, String figure, boolean held) {}

    /// Requests of all parts that had no answer.
    public int failed() {
        return answers.failed()
                + coldStarts.failed()
                + stalls.pairs().stream()
                        .mapToInt(pair -> pair.without().failed() + pair.with().failed())
                        .sum()
                + registered.pairs().stream()
                        .mapToInt(pair -> pair.many().failed() + pair.few().failed())
                        .sum();
    }

    /// The promises in the order of the report.
    public List<Verdict> verdicts() {
        return List.of(
                new Verdict(
                        "every token is the adapter's own",
                        "%d wrong in %d answers; %d of %d pairs of adapters cannot be told apart; %d failed"
                                .formatted(
                                        answers.wrongTokens(),
                                        answers.checked(),
                                        answers.equalPairs(),
                                        answers.pairs(),
                                        failed()),
                        answers.wrongTokens() == 0 && failed() == 0),
                new Verdict(
                        "cold loads stall nobody: p99 ITL within %.1fx or %.0f ms"
                                .formatted(MOST_TAIL_RATIO, MOST_TAIL_MILLIS),
                        "%.2fx, %+.2f ms".formatted(stalls.ratio(), stalls.differenceMillis()),
                        stalls.held()),
                new Verdict(
                        "%d registered adapters cost less than %.0f %% of the throughput with %d"
                                .formatted(registered.many(), 100 * MOST_REGISTERED_COST, registered.few()),
                        "%+.1f %%".formatted(100 * (registered.ratio() - 1)),
                        registered.held()));
    }

    static <T> double median(List<T> of, ToDoubleFunction<T> figure) {
        List<Double> sorted = of.stream()
                .mapToDouble(figure)
                .boxed()
                .sorted(Comparator.naturalOrder())
                .toList();
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }
}
