package org.openlora.meter.evidence;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
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
import org.openlora.meter.document.CanonicalJson;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evidence.AttributionRecord.AttributedSpan;
import org.openlora.meter.evidence.AttributionRecord.DatanetUse;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.usage.AdapterUsage;
import org.openlora.meter.usage.LineageShare;
import org.openlora.meter.usage.UsageRow;

/// Attributes a response: a pure function of the usage row, the corpora of its lineage and the rules.
///
/// A token that a span covers has shares `s = λ·e + (1−λ)·π`, any other `s = π`. The evidence e is split evenly
/// over the span's sources and pays their contributors; the prior π is the adapters' training mixes, weighted by
/// the size of their scales, and pays the datanets' pools. Everything is exact until one rounding per distinct
/// set of shares.
public final class Scorer {
    /// Names this algorithm, with all that is not in the price book. A change of any result is a new id.
    public static final Bytes32 ID = Sha256.domain("openlora/scorer/v1")
            .prefixed(CanonicalJson.bytes(JsonNodeFactory.instance
                    .objectNode()
                    .put("copies", "normalised-text/1")
                    .put("evidence", "exact-span/1")
                    .put("prior", "lineage-by-scale/1")
                    .put("rarity", "lineage-unigram-log2-q16/1")))
            .digest();

    private static final BigInteger WHOLE_PPM = BigInteger.valueOf(AttributionRules.WHOLE_PPM);

    private final UsageRow row;
    private final LineageCorpora lineage;
    private final AttributionRules rules;
    private final List<DatanetUse> datanets;
    /// π by target, as exact weights.
    private final SortedMap<Target, BigInteger> prior;

    private final BigInteger priorWhole;

    private Scorer(UsageRow row, LineageCorpora lineage, AttributionRules rules) {
        this.row = row;
        this.lineage = lineage;
        this.rules = rules;
        this.datanets = datanets(row, lineage);
        this.prior = prior(row.adapters(), datanets);
        this.priorWhole = prior.values().stream().reduce(BigInteger.ZERO, BigInteger::add);
    }

    /// @param lineage the corpora that [UsageRow#versions] names, in that order
    public static AttributionRecord score(UsageRow row, LineageCorpora lineage, AttributionRules rules) {
        return new Scorer(row, lineage, rules).score();
    }

    private AttributionRecord score() {
        SpanEvidence evidence =
                SpanEvidence.find(row.prompt().toArray(), row.output().toArray(), lineage, rules.rarityThresholdBits());
        SortedMap<Target, Integer> priorShares = Distribution.round(prior);
        List<SortedMap<Target, Integer>> spanShares = new ArrayList<>();
        for (SpanEvidence.Span span : evidence.spans()) {
            spanShares.add(Distribution.round(mixed(span)));
        }
        SortedMap<Target, Long> totals = totals(evidence.owners(), priorShares, spanShares);
        capContributors(totals, Math.max(1, evidence.owners().size()));

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
                ID,
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

    /// λ·e + (1−λ)·π of a span's tokens, times the common denominator (sources · prior whole · 10⁶).
    private SortedMap<Target, BigInteger> mixed(SpanEvidence.Span span) {
        BigInteger sources = BigInteger.valueOf(span.sources().size());
        BigInteger lambda = BigInteger.valueOf(rules.lambdaPpm());
        SortedMap<Target, BigInteger> weights = new TreeMap<>();
        BigInteger rest = WHOLE_PPM.subtract(lambda).multiply(sources);
        if (rest.signum() > 0) {
            prior.forEach((target, weight) -> weights.put(target, weight.multiply(rest)));
        }
        BigInteger each = lambda.multiply(priorWhole);
        if (each.signum() > 0) {
            for (int i = 0; i < span.sources().size(); i++) {
                weights.merge(payee(span.sources().get(i), i), each, BigInteger::add);
            }
        }
        return weights;
    }

    private Target payee(Source source, int place) {
        if (place >= rules.occurrenceCap()) {
            return Target.pool(source.datanet());
        }
        Corpus corpus = lineage.corpora().get(source.datanet());
        return Target.contributor(
                source.datanet(), corpus.datanet().contributorOf(source.row()).hash());
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

    /// Moves what a contributor has beyond the cap to the pool of the same datanet.
    private void capContributors(SortedMap<Target, Long> totals, int tokens) {
        long cap = (long) rules.contributorCapPpm() * tokens;
        SortedMap<Target, Long> cut = new TreeMap<>();
        totals.forEach((target, total) -> {
            if (target.kind() == Target.Kind.CONTRIBUTOR && total > cap) {
                cut.put(target, total - cap);
            }
        });
        cut.forEach((target, excess) -> {
            totals.merge(target, -excess, Long::sum);
            totals.merge(Target.pool(target.datanet()), excess, Long::sum);
        });
    }
}
