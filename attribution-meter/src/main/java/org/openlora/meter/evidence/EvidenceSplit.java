package org.openlora.meter.evidence;

import java.math.BigInteger;
import java.util.SortedMap;
import java.util.TreeMap;

/// How a covered token's shares follow from its span's sources, and what bounds them over a response: where the
/// scorer's versions differ most.
sealed interface EvidenceSplit permits EvenSplit, ReplicationRobustSplit {
    /// The shares of each token of a span, in parts per million, summing to one million.
    SortedMap<Target, Integer> shares(SpanEvidence.Span span);

    /// Applies the contributor cap to a response's totals. What it cuts off goes to the pool of the same datanet.
    ///
    /// @param totals by target, parts per million summed over the tokens
    /// @param tokens of the response, at least 1
    void cap(SortedMap<Target, Long> totals, int tokens);

    /// @param prior π by target, as exact weights
    static EvidenceSplit of(
            ScorerVersion version,
            LineageCorpora lineage,
            AttributionRules rules,
            SortedMap<Target, BigInteger> prior) {
        return switch (version) {
            case V1 -> new EvenSplit(lineage, rules, prior);
            case V2 -> new ReplicationRobustSplit(lineage, rules, prior);
        };
    }

    /// Moves what contributors lose to the pools of their datanets.
    ///
    /// @param kept what each contributor keeps, for those who lose something
    static void moveToPools(SortedMap<Target, Long> totals, SortedMap<Target, Long> kept) {
        SortedMap<Target, Long> before = new TreeMap<>(totals);
        kept.forEach((target, keeps) -> {
            long has = before.getOrDefault(target, 0L);
            totals.put(target, keeps);
            totals.merge(Target.pool(target.datanet()), has - keeps, Long::sum);
        });
    }
}
