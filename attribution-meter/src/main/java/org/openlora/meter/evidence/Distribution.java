package org.openlora.meter.evidence;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.openlora.meter.exact.LargestRemainder;

/// One token's shares: parts per million of targets, ascending by target, none zero, summing to exactly one
/// million.
///
/// @param targets indices into [AttributionRecord#targets]
/// @param sharesPpm as many
public record Distribution(List<Integer> targets, List<Integer> sharesPpm) {
    public Distribution {
        targets = List.copyOf(targets);
        sharesPpm = List.copyOf(sharesPpm);
        int sum = sharesPpm.stream().mapToInt(Integer::intValue).sum();
        if (targets.size() != sharesPpm.size() || sum != AttributionRules.WHOLE_PPM) {
            throw new IllegalArgumentException(
                    "shares of a token sum to " + sum + " ppm over " + targets.size() + " targets, not to 1000000");
        }
    }

    /// Divides parts per million by exact weights, rounded by largest remainder, ties to the earlier target; leaves
    /// out what rounds to nothing.
    static SortedMap<Target, Integer> round(int wholePpm, SortedMap<Target, BigInteger> weights) {
        long[] parts = LargestRemainder.split(wholePpm, List.copyOf(weights.values()));
        SortedMap<Target, Integer> shares = new TreeMap<>();
        int i = 0;
        for (Target target : weights.keySet()) {
            if (parts[i] > 0) {
                shares.put(target, (int) parts[i]);
            }
            i++;
        }
        return shares;
    }

    static Distribution of(SortedMap<Target, Integer> shares, Map<Target, Integer> indices) {
        List<Integer> targets = new ArrayList<>(shares.size());
        shares.keySet().forEach(target -> targets.add(indices.getOrDefault(target, -1)));
        return new Distribution(targets, List.copyOf(shares.values()));
    }
}
