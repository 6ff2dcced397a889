package org.openlora.benchmarks.report;

import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import org.openlora.benchmarks.load.LoadSummary;
import org.openlora.benchmarks.machine.Ceilings;
import org.openlora.benchmarks.roofline.Roofline;

/// End-to-end load on a server, as committed.
///
/// @param server what was measured: command line or address
/// @param prompts where they came from
/// @param ceilingsBefore what the machine gave before the first repetition
/// @param ceilingsAfter and after the last one; the limits are of the mean
public record ServingReport(
        Provenance provenance,
        String server,
        String prompts,
        int promptTokens,
        int newTokens,
        double bytesPerWeight,
        @Nullable Ceilings ceilingsBefore,
        @Nullable Ceilings ceilingsAfter,
        List<WorkloadReport> workloads) {
    /// Repetitions during which other processes used more than this share of the machine do not count, as long as
    /// calmer ones exist.
    private static final double CALM_SHARE = 0.10;

    /// One repetition.
    ///
    /// @param othersShare of the machine, used by none of server, client and neighbour; null where it is not known
    /// @param clientShare used by this process
    /// @param neighbourShare used by the neighbour that was asked for; null where there is none
    /// @param peakServerMebibytes the server's memory high-water mark so far; null for a server elsewhere
    public record Repetition(
            LoadSummary load,
            @Nullable Double othersShare,
            @Nullable Double clientShare,
            @Nullable Double neighbourShare,
            @Nullable Double peakServerMebibytes) {
        boolean isCalm() {
            Double others = othersShare;
            return others == null || others <= CALM_SHARE;
        }
    }

    /// Medians over the calm repetitions, or the calmest one where none was calm.
    ///
    /// @param fraction of the limit; null where no limit is known
    public record Median(
            double tokensPerSecond,
            @Nullable Double fraction,
            double ttftP50Millis,
            double ttftP99Millis,
            double itlP50Millis,
            double itlP99Millis,
            double itlMaxMillis,
            double cachedShare,
            int repetitionsUsed) {
        static Median of(List<Repetition> repetitions, Roofline.@Nullable Limit limit) {
            List<Repetition> calm =
                    repetitions.stream().filter(Repetition::isCalm).toList();
            List<LoadSummary> used = (calm.isEmpty() ? List.of(calmest(repetitions)) : calm)
                    .stream().map(Repetition::load).toList();
            double throughput = median(used, LoadSummary::tokensPerSecond);
            return new Median(
                    throughput,
                    limit == null ? null : throughput / limit.tokensPerSecond(),
                    median(used, load -> load.ttft().p50Millis()),
                    median(used, load -> load.ttft().p99Millis()),
                    median(used, load -> load.itl().p50Millis()),
                    median(used, load -> load.itl().p99Millis()),
                    median(used, load -> load.itl().maxMillis()),
                    median(used, LoadSummary::cachedShare),
                    used.size());
        }

        private static Repetition calmest(List<Repetition> repetitions) {
            return repetitions.stream()
                    .min(Comparator.comparingDouble(repetition -> {
                        Double others = repetition.othersShare();
                        return others == null ? 0 : others;
                    }))
                    .orElseThrow();
        }

        private static double median(List<LoadSummary> loads, ToDoubleFunction<LoadSummary> figure) {
            double[] sorted = loads.stream().mapToDouble(figure).sorted().toArray();
            int middle = sorted.length / 2;
            return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        }
    }

    /// Percentiles 0 to 100 over all repetitions together, in milliseconds.
    public record Distribution(List<Double> ttftMillis, List<Double> itlMillis) {}

    /// One workload under one disturbance.
    ///
    /// @param name the workload's, with the disturbance behind it where there is one
    /// @param limit of the roofline; null in an open loop, or where the model's shape is not known
    public record WorkloadReport(
            String name,
            String arrivals,
            int requests,
            Roofline.@Nullable Limit limit,
            Median median,
            Distribution distribution,
            List<Repetition> repetitions) {
        public static WorkloadReport of(
                String name,
                String arrivals,
                int requests,
                Roofline.@Nullable Limit limit,
                Distribution distribution,
                List<Repetition> repetitions) {
            return new WorkloadReport(
                    name,
                    arrivals,
                    requests,
                    limit,
                    Median.of(repetitions, limit),
                    distribution,
                    List.copyOf(repetitions));
        }
    }
}
