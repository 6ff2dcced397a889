package org.openlora.meter.evidence;

import java.math.BigInteger;
import java.util.SortedMap;
import java.util.TreeMap;

/// Version 1: the evidence goes evenly over the span's rows, everything is exact until one largest-remainder
/// rounding, and each contributor has a cap of its own.
record EvenSplit(LineageCorpora lineage, AttributionRules rules, SortedMap<Target, BigInteger> prior)
        implements EvidenceSplit {
    private static final BigInteger WHOLE_PPM = BigInteger.valueOf(AttributionRules.WHOLE_PPM);

    /// λ·e + (1−λ)·π, times the common denominator (sources · prior whole · 10⁶), rounded.
    @Override
    public SortedMap<Target, Integer> shares(SpanEvidence.Span span) {
        BigInteger sources = BigInteger.valueOf(span.sources().size());
        BigInteger lambda = BigInteger.valueOf(rules.lambdaPpm());
        SortedMap<Target, BigInteger> weights = new TreeMap<>();
        BigInteger rest = WHOLE_PPM.subtract(lambda).multiply(sources);
        if (rest.signum() > 0) {
            prior.forEach((target, weight) -> weights.put(target, weight.multiply(rest)));
        }
        BigInteger priorWhole = prior.values().stream().reduce(BigInteger.ZERO, BigInteger::add);
        BigInteger each = lambda.multiply(priorWhole);
        if (each.signum() > 0) {
            for (int i = 0; i < span.sources().size(); i++) {
                weights.merge(payee(span.sources().get(i), i), each, BigInteger::add);
            }
        }
        return Distribution.round(AttributionRules.WHOLE_PPM, weights);
    }

    private Target payee(Source source, int place) {
        return place < rules.occurrenceCap() ? lineage.contributor(source) : Target.pool(source.datanet());
    }

    @Override
    public void cap(SortedMap<Target, Long> totals, int tokens) {
        long cap = (long) rules.contributorCapPpm() * tokens;
        SortedMap<Target, Long> kept = new TreeMap<>();
        totals.forEach((target, total) -> {
            if (target.kind() == Target.Kind.CONTRIBUTOR && total > cap) {
                kept.put(target, cap);
            }
        });
        EvidenceSplit.moveToPools(totals, kept);
    }
}
