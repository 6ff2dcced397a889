package org.openlora.benchmarks.anchoring;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/// One campaign: how many batches, and what happens meanwhile.
///
/// @param faultProbability of each call to the node
/// @param disturbances how often each happens, in random order
record Plan(String name, int batches, double faultProbability, Map<Disturbance, Integer> disturbances) {
    private static final double FAULTS = 0.35;

    Plan {
        disturbances = Map.copyOf(disturbances);
    }

    /// Every campaign in full, with the numbers that were measured for the design.
    static List<Plan> full() {
        return List.of(
                of("flusher killed", 30, 0, Map.of(Disturbance.KILL, 40)),
                of("RPC faults", 20, FAULTS, Map.of()),
                of("reorganisations, depth 1-3", 15, 0, Map.of(Disturbance.REORG, 15)),
                of("snapshot and revert", 12, 0, Map.of(Disturbance.REVERT, 6)),
                of("node restarted with its state", 12, 0, Map.of(Disturbance.RESTART, 5)),
                of("node killed, state lost", 12, 0, Map.of(Disturbance.NODE_KILL, 4)),
                of(
                        "nonces stolen, mempool dropped",
                        12,
                        0,
                        Map.of(Disturbance.THEFT, 2, Disturbance.DROP, 9, Disturbance.FUTURE_NONCE, 3)),
                of("base fee spikes to 300 gwei", 10, 0, Map.of(Disturbance.FEE_SPIKE, 10)),
                of(
                        "all at once, no restarts",
                        25,
                        FAULTS,
                        Map.of(
                                Disturbance.KILL, 22,
                                Disturbance.REORG, 22,
                                Disturbance.DROP, 20,
                                Disturbance.THEFT, 26,
                                Disturbance.FEE_SPIKE, 25)),
                // A node that was restarted loses the contract's code when it is reorganised, which no chain does.
                of(
                        "all at once, with restarts",
                        25,
                        FAULTS,
                        Map.of(
                                Disturbance.KILL, 18,
                                Disturbance.RESTART, 11,
                                Disturbance.NODE_KILL, 10,
                                Disturbance.DROP, 10,
                                Disturbance.THEFT, 10,
                                Disturbance.FEE_SPIKE, 10)));
    }

    private static Plan of(String name, int batches, double faultProbability, Map<Disturbance, Integer> disturbances) {
        return new Plan(name, batches, faultProbability, disturbances);
    }

    /// The same in a tenth of the time: a few of each disturbance, at most one kill.
    Plan shortened() {
        Map<Disturbance, Integer> fewer = new EnumMap<>(Disturbance.class);
        disturbances.forEach((disturbance, times) ->
                fewer.put(disturbance, disturbance == Disturbance.KILL ? 1 : Math.min(times, 2)));
        return new Plan(name, Math.min(batches, 4), faultProbability, fewer);
    }

    boolean kills() {
        return disturbances.containsKey(Disturbance.KILL);
    }
}
