package org.openlora.benchmarks.report;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.openlora.benchmarks.machine.Ceilings;
import org.openlora.benchmarks.machine.Peak;

/// Kernels by JMH, over several forks, as committed.
public record KernelReport(Provenance provenance, int forks, List<Kernel> kernels) {
    /// One benchmark with one set of parameters.
    ///
    /// @param memory rate and fraction of the read bandwidth; null where reading does not matter
    /// @param compute rate and fraction of the peak of its arithmetic; null where arithmetic does not matter
    public record Kernel(
            String name,
            Map<String, String> parameters,
            Spread nanosPerOperation,
            @Nullable Rate memory,
            @Nullable Rate compute,
            List<Fork> forks) {
        /// Of all forks of one benchmark.
        ///
        /// @throws IllegalArgumentException without any fork
        public static Kernel of(String name, Map<String, String> parameters, List<Fork> forks) {
            if (forks.isEmpty()) {
                throw new IllegalArgumentException("%s %s has no fork".formatted(name, parameters));
            }
            Fork first = forks.getFirst();
            return new Kernel(
                    name,
                    parameters,
                    Spread.of(forks, Fork::nanosPerOperation),
                    first.bytesPerOperation <= 0
                            ? null
                            : new Rate(
                                    "GB/s",
                                    Spread.of(forks, Fork::gigabytesPerSecond),
                                    Spread.of(
                                            forks,
                                            fork -> fork.gigabytesPerSecond()
                                                    / fork.ceilings().readGigabytesPerSecond())),
                    first.flopsPerOperation <= 0
                            ? null
                            : new Rate(
                                    "GFLOP/s",
                                    Spread.of(forks, Fork::gflops),
                                    Spread.of(
                                            forks,
                                            fork -> fork.gflops() / fork.peak().gflops(fork.ceilings()))),
                    List.copyOf(forks));
        }
    }

    /// One JVM's measurement between two of the machine's ceilings.
    public record Fork(
            double nanosPerOperation,
            double bytesPerOperation,
            double flopsPerOperation,
            Peak peak,
            Ceilings before,
            Ceilings after) {
        double gigabytesPerSecond() {
            return bytesPerOperation / nanosPerOperation;
        }

        double gflops() {
            return flopsPerOperation / nanosPerOperation;
        }

        Ceilings ceilings() {
            return Ceilings.mean(before, after);
        }
    }

    /// @param fraction of the ceiling around the same fork
    public record Rate(String unit, Spread rate, Spread fraction) {}

    /// Over forks.
    public record Spread(double min, double median, double max) {
        static Spread of(List<Fork> forks, Function<Fork, Double> figure) {
            double[] sorted = forks.stream().mapToDouble(figure::apply).toArray();
            Arrays.sort(sorted);
            int middle = sorted.length / 2;
            double median = sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
            return new Spread(sorted[0], median, sorted[sorted.length - 1]);
        }
    }
}
