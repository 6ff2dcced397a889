package org.openlora.meter.evidence;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.openlora.meter.exact.FixedPointLog2;
import org.openlora.meter.index.SuffixIndex;

/// The spans of a response that occur verbatim in the corpora of its lineage, and which span each token belongs
/// to.
///
/// 1. Output tokens inside a match with the prompt that passes the rarity threshold are an echo and belong to
/// nobody.
/// 2. In each stretch between echoes, the maximal spans of each corpus that pass the threshold count.
/// 3. From version 2 on, a span that is an excerpt of texts registered earlier does not count
/// ([ExcerptFilter]), and one that several datanets hold is the first one's.
/// 4. A token belongs to the longest span that covers it, then the rarer, then the one that starts earlier.
///
/// @param spans the spans that own at least one token, by start, then length
/// @param owners per output token the index of its span, [#PRIOR] or [#ECHO]
public record SpanEvidence(List<Span> spans, List<Integer> owners) {
    /// Owner of a token that no span covers.
    public static final int PRIOR = -1;
    /// Owner of a token that repeats the prompt.
    public static final int ECHO = -2;

    /// Output tokens `[start, start + length)`, found verbatim.
    ///
    /// @param rarity information content in units of 2⁻¹⁶ bit
    /// @param sources the rows it came from, one for each group of copies, in the order of registration
    public record Span(int start, int length, long rarity, List<Source> sources) {
        public int end() {
            return start + length;
        }
    }

    private static final Comparator<Span> PRECEDENCE = Comparator.comparingInt(Span::length)
            .reversed()
            .thenComparing(Comparator.comparingLong(Span::rarity).reversed())
            .thenComparingInt(Span::start);

    public SpanEvidence {
        spans = List.copyOf(spans);
        owners = List.copyOf(owners);
    }

    /// Finds the evidence of one response.
    public static SpanEvidence find(int[] prompt, int[] output, LineageCorpora lineage, int rarityThresholdBits) {
        long[] costs = lineage.rarity().prefixSums(output);
        long threshold = (long) rarityThresholdBits * FixedPointLog2.ONE;
        int[] owners = new int[output.length];
        Arrays.fill(owners, PRIOR);
        if (lineage.corpora().isEmpty()) {
            return new SpanEvidence(List.of(), boxed(owners));
        }
        List<SuffixIndex.Match> repeated = SuffixIndex.of(List.of(prompt)).maximalMatches(output, 0, output.length);
        markEchoes(repeated, costs, threshold, owners);
        List<Span> candidates = candidates(output, lineage, costs, threshold, owners);
        if (lineage.version() != ScorerVersion.V1) {
            candidates = new ExcerptFilter(lineage, costs, threshold).originals(repeated, candidates);
        }
        candidates.sort(PRECEDENCE);
        for (int s = 0; s < candidates.size(); s++) {
            Span span = candidates.get(s);
            for (int i = span.start(); i < span.end(); i++) {
                if (owners[i] == PRIOR) {
                    owners[i] = s;
                }
            }
        }
        return ordered(candidates, owners);
    }

    private static void markEchoes(List<SuffixIndex.Match> repeated, long[] costs, long threshold, int[] owners) {
        for (SuffixIndex.Match match : repeated) {
            if (costs[match.end()] - costs[match.start()] >= threshold) {
                Arrays.fill(owners, match.start(), match.end(), ECHO);
            }
        }
    }

    private static List<Span> candidates(
            int[] output, LineageCorpora lineage, long[] costs, long threshold, int[] owners) {
        Map<SuffixIndex.Match, TreeSet<Source>> found = new HashMap<>();
        for (int from = 0; from < output.length; from++) {
            if (owners[from] == ECHO) {
                continue;
            }
            int to = from;
            while (to < output.length && owners[to] != ECHO) {
                to++;
            }
            for (int d = 0; d < lineage.corpora().size(); d++) {
                SuffixIndex index = lineage.corpora().get(d).index();
                for (SuffixIndex.Match match : index.maximalMatches(output, from, to)) {
                    if (costs[match.end()] - costs[match.start()] >= threshold) {
                        TreeSet<Source> sources = found.computeIfAbsent(match, _ -> new TreeSet<>());
                        for (int row : index.rowsOf(output, match)) {
                            sources.add(lineage.original(d, row));
                        }
                    }
                }
            }
            from = to;
        }
        List<Span> spans = new ArrayList<>();
        found.forEach((match, sources) -> spans.add(new Span(
                match.start(), match.length(), costs[match.end()] - costs[match.start()], List.copyOf(sources))));
        return spans;
    }

    /// Drops spans that own nothing and renumbers the rest by their place in the text.
    private static SpanEvidence ordered(List<Span> candidates, int[] owners) {
        int[] used =
                Arrays.stream(owners).filter(owner -> owner >= 0).distinct().toArray();
        List<Integer> order = Arrays.stream(used)
                .boxed()
                .sorted(Comparator.comparingInt((Integer s) -> candidates.get(s).start())
                        .thenComparingInt(s -> candidates.get(s).length()))
                .toList();
        Map<Integer, Integer> places = new HashMap<>();
        List<Span> spans = new ArrayList<>();
        for (int s : order) {
            places.put(s, spans.size());
            spans.add(candidates.get(s));
        }
        List<Integer> renumbered = new ArrayList<>(owners.length);
        for (int owner : owners) {
            renumbered.add(owner < 0 ? owner : places.getOrDefault(owner, PRIOR));
        }
        return new SpanEvidence(spans, renumbered);
    }

    private static List<Integer> boxed(int[] values) {
        return Arrays.stream(values).boxed().toList();
    }
}
