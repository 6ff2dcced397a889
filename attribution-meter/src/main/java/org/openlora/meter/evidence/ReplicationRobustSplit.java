package org.openlora.meter.evidence;

import java.math.BigInteger;
import java.util.SortedMap;
import java.util.TreeMap;

/// Version 2: shares that nobody raises by repeating a text, under whatever names. Of a span's n rows each brings
/// its contributor λ / 2ⁿ⁻¹: m rows instead of one among v others' bring m / 2ᵛ⁺ᵐ⁻¹, at most the one's 1 / 2ᵛ
/// (the exponential discount of Agarwal, Dahleh and Sarkar, "A marketplace for data", arXiv 1805.08125, robust
/// to replication). Sources are rounded down one by one and capped all together, both of which are blind to how
/// rows are divided among accounts. The pool of the sources' datanet has the rest.
record ReplicationRobustSplit(LineageCorpora lineage, AttributionRules rules, SortedMap<Target, BigInteger> prior)
        implements EvidenceSplit {
    @Override
    public SortedMap<Target, Integer> shares(SpanEvidence.Span span) {
        int count = span.sources().size();
        int each = count > Integer.SIZE - 1 ? 0 : rules.lambdaPpm() >> (count - 1);
        int paid = Math.min(count, rules.occurrenceCap());
        SortedMap<Target, Integer> shares =
                new TreeMap<>(Distribution.round(AttributionRules.WHOLE_PPM - rules.lambdaPpm(), prior));
        for (Source source : span.sources().subList(0, paid)) {
            add(shares, lineage.contributor(source), each);
        }
        add(shares, Target.pool(span.sources().getFirst().datanet()), rules.lambdaPpm() - each * paid);
        return shares;
    }

    private static void add(SortedMap<Target, Integer> shares, Target target, int ppm) {
        if (ppm > 0) {
            shares.merge(target, ppm, Integer::sum);
        }
    }

    @Override
    public void cap(SortedMap<Target, Long> totals, int tokens) {
        BigInteger cap = BigInteger.valueOf((long) rules.contributorCapPpm() * tokens);
        SortedMap<Target, Long> evidence = new TreeMap<>(totals);
        evidence.keySet().removeIf(target -> target.kind() != Target.Kind.CONTRIBUTOR);
        BigInteger whole = evidence.values().stream().map(BigInteger::valueOf).reduce(BigInteger.ZERO, BigInteger::add);
        if (whole.compareTo(cap) > 0) {
            evidence.replaceAll((_, total) ->
                    BigInteger.valueOf(total).multiply(cap).divide(whole).longValueExact());
            EvidenceSplit.moveToPools(totals, evidence);
        }
    }
}
