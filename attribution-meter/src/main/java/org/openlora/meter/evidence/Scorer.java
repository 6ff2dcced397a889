package org.openlora.meter.evidence;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evidence.AttributionRecord.AttributedSpan;
import org.openlora.meter.evidence.AttributionRecord.DatanetUse;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.usage.AdapterUsage;
import org.openlora.meter.usage.LineageShare;
import org.openlora.meter.usage.UsageRow;

/// Attributes a response: a pure function of the usage row, the corpora of its lineage and the rules.
///
/// A token that a span covers has shares `s = λ·e + (1−λ)·π`, any other `s = π`. The evidence e is split over the
/// span's sources and pays their contributors ([EvidenceSplit]); the prior π is the adapters' training mixes,
/// weighted by the size of their scales, and pays the datanets' pools. Everything is exact until one rounding per
/// distinct set of shares.
public final class Scorer {
    /// What rows are committed with now.
    public static final Bytes32 ID = ScorerVersion.CURRENT.id();

    private final UsageRow row;
    private final LineageCorpora lineage;
    private final AttributionRules rules;
    private final List<DatanetUse> datanets;
    /// π by target, as exact weights.
    private final SortedMap<Target, BigInteger> prior;

    private final EvidenceSplit split;

    private Scorer(UsageRow row, LineageCorpora lineage, AttributionRules rules) {
        this.row = row;
        this.lineage = lineage;
        this.rules = rules;
        this.datanets = datanets(row, lineage);
        this.prior = prior(row.adapters(), datanets);
        this.split = EvidenceSplit.of(lineage.version(), lineage, rules, prior);
    }

    /// Scores by the version that the row names.
    ///
    /// @param lineage the corpora that [UsageRow#versions] names, in that order, as that version sees them
    public static AttributionRecord score(UsageRow row, LineageCorpora lineage, AttributionRules rules) {
        if (!lineage.version().id().equals(row.versions().scorer())) {
            throw new IllegalArgumentException("request %s is to be scored by %s, its corpora are those of %s"
                    .formatted(row.requestId(), Sha256.text(row.versions().scorer()), lineage.version()));
        }
        return new Scorer(row, lineage, rules).score();
    }

    private AttributionRecord score() {
        SpanEvidence evidence =
                SpanEvidence.find(row.prompt().toArray(), row.output().toArray(), lineage, rules.rarityThresholdBits());
        SortedMap<Target, Integer> priorShares = Distribution.round(AttributionRules.WHOLE_PPM, prior);
        List<SortedMap<Target, Integer>> spanShares = new ArrayList<>();
        for (SpanEvidence.Span span : evidence.spans()) {
            spanShares.add(split.shares(span));
        }
        SortedMap<Target, Long> totals = totals(evidence.owners(), priorShares, spanShares);
        split.cap(totals, Math.max(1, evidence.owners().size()));

        SortedSet<Target> targets = new TreeSet<>(totals.keySet());
        targets.addAll(priorShares.keySet());
        spanShares.forEach(shares -> targets.addAll(shares.keySet()));
        Map<Target, Integer> indices = new HashMap<>();
        targets.forEach(target -> indices.put(target, indices.size()));
        List<AttributedSpan> spans = new ArrayList<>();
        for (int s = 0; s < spanShares.size(); s++) {
            SpanEvidence.Span span = evidence.spans().get(s);
            List<Source> paid = span.sources()
                    .subList(0, Math.min(rules.occurrenceCap(), span.sources().size()));
            spans.add(new AttributedSpan(
                    span.start(),
                    span.length(),
                    span.rarity(),
                    span.sources().size(),
                    paid,
                    Distribution.of(spanShares.get(s), indices)));
        }
        return new AttributionRecord(
                lineage.version().id(),
                row.tokenizerDigest(),
                lineage.rarity().digest(),
                rules,
                datanets,
                List.copyOf(targets),
                Distribution.of(priorShares, indices),
                spans,
                evidence.owners(),
                targets.stream().map(target -> totals.getOrDefault(target, 0L)).toList());
    }

    private static List<DatanetUse> datanets(UsageRow row, LineageCorpora lineage) {
        List<DatanetUse> datanets = new ArrayList<>();
        SortedSet<Bytes32> missing = new TreeSet<>();
        for (AdapterUsage adapter : row.adapters()) {
            adapter.lineage().forEach(share -> missing.add(share.datanet()));
        }
        for (Corpus corpus : lineage.corpora()) {
            Bytes32 digest = corpus.datanet().digest();
            if (!missing.remove(digest)) {
                throw new IllegalArgumentException(
                        "datanet " + Sha256.text(digest) + " is in no lineage of request " + row.requestId());
            }
            datanets.add(new DatanetUse(digest, true));
        }
        missing.forEach(digest -> datanets.add(new DatanetUse(digest, false)));
        return datanets;
    }

    private static SortedMap<Target, BigInteger> prior(List<AdapterUsage> adapters, List<DatanetUse> datanets) {
        SortedMap<Target, BigInteger> prior = new TreeMap<>();
        Map<Bytes32, Integer> indices = new HashMap<>();
        datanets.forEach(datanet -> indices.put(datanet.digest(), indices.size()));
        for (AdapterUsage adapter : adapters) {
            if (adapter.lineage().isEmpty()) {
                add(prior, Target.treasury(Target.NO_DATANET), adapter.weight() * LineageShare.WHOLE_BPS);
            }
            for (LineageShare share : adapter.lineage()) {
                int index = Objects.requireNonNull(indices.get(share.datanet()));
                Target target = datanets.get(index).searched() ? Target.pool(index) : Target.treasury(index);
                add(prior, target, adapter.weight() * share.basisPoints());
            }
        }
        if (prior.isEmpty()) {
            // The bare base, or adapters that are all scaled to nothing.
            add(prior, Target.treasury(Target.NO_DATANET), 1);
        }
        return prior;
    }

    private static void add(SortedMap<Target, BigInteger> weights, Target target, long weight) {
        if (weight != 0) {
            weights.merge(target, BigInteger.valueOf(weight), BigInteger::add);
        }
    }

    private static SortedMap<Target, Long> totals(
            Collection<Integer> owners,
            SortedMap<Target, Integer> priorShares,
            List<SortedMap<Target, Integer>> spanShares) {
        long[] counts = new long[spanShares.size()];
        long priorCount = 0;
        for (int owner : owners) {
            if (owner >= 0) {
                counts[owner]++;
            } else {
                priorCount++;
            }
        }
        SortedMap<Target, Long> totals = new TreeMap<>();
        accumulate(totals, priorShares, owners.isEmpty() ? 1 : priorCount);
        for (int s = 0; s < counts.length; s++) {
            accumulate(totals, spanShares.get(s), counts[s]);
        }
        return totals;
    }

    private static void accumulate(SortedMap<Target, Long> totals, SortedMap<Target, Integer> shares, long count) {
        if (count > 0) {
            shares.forEach((target, share) -> totals.merge(target, share * count, Long::sum));
        }
    }
}
