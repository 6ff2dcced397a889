package org.openlora.benchmarks.serving;

/// What else goes on while a workload runs.
public sealed interface Disturbance {
    /// Nothing that this benchmark knows of.
    record None() implements Disturbance {}

    /// Another process that uses a share of the machine.
    record NoisyNeighbour(double share) implements Disturbance {
        public NoisyNeighbour {
            if (!(share > 0 && share <= 1)) {
                throw new IllegalArgumentException("--neighbour is %s; allowed are 0 < share <= 1".formatted(share));
            }
        }
    }

    /// A further client that asks for a long answer and does not read it.
    record StalledReader() implements Disturbance {}

    /// The workload's name under this disturbance.
    default String label(String workload) {
        return switch (this) {
            case None _ -> workload;
            case NoisyNeighbour(double share) -> "%s, neighbour %.0f %%".formatted(workload, 100 * share);
            case StalledReader _ -> workload + ", stalled client";
        };
    }
}
