package org.openlora.meter.evidence;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import org.openlora.meter.index.SuffixIndex;

/// Whose text a span was first: keeps excerpts from being paid as originals.
///
/// A datanet registered later may hold a passage of an earlier one inside a row that is no near-duplicate, with a
/// few words more at its end, so that its span is the longest. Likewise a prompt may hold a text with gaps. So
/// rows are gone through by age, the prompt before all of them: a span of which at least half the tokens stand in
/// spans of earlier ones is an excerpt and does not count. What several datanets hold word by word is the first
/// one's.
///
/// @param costs prefix sums of the output's rarity
/// @param threshold of a span's rarity; pieces of the prompt count from half of it
@SuppressWarnings("ArrayRecordComponent") // Read only; never compared.
record ExcerptFilter(LineageCorpora lineage, long[] costs, long threshold) {
    /// The spans that are no excerpts, each with its oldest sources alone.
    ///
    /// @param repeated maximal matches of the output with the prompt
    List<SpanEvidence.Span> originals(List<SuffixIndex.Match> repeated, List<SpanEvidence.Span> candidates) {
        TreeMap<Integer, List<SpanEvidence.Span>> byAge = new TreeMap<>();
        for (SpanEvidence.Span span : candidates) {
            int oldest = span.sources().stream().mapToInt(lineage::age).min().orElseThrow();
            byAge.computeIfAbsent(oldest, _ -> new ArrayList<>()).add(oldest(span, oldest));
        }
        boolean[] earlier = new boolean[costs.length - 1];
        for (SuffixIndex.Match match : repeated) {
            if (2 * (costs[match.end()] - costs[match.start()]) >= threshold) {
                mark(earlier, match.start(), match.end());
            }
        }
        List<SpanEvidence.Span> originals = new ArrayList<>();
        for (List<SpanEvidence.Span> spans : byAge.values()) {
            int[] before = counts(earlier);
            for (SpanEvidence.Span span : spans) {
                if (2 * (before[span.end()] - before[span.start()]) < span.length()) {
                    originals.add(span);
                    mark(earlier, span.start(), span.end());
                }
            }
        }
        return originals;
    }

    private SpanEvidence.Span oldest(SpanEvidence.Span span, int age) {
        return new SpanEvidence.Span(
                span.start(),
                span.length(),
                span.rarity(),
                span.sources().stream()
                        .filter(source -> lineage.age(source) == age)
                        .toList());
    }

    private static void mark(boolean[] tokens, int from, int to) {
        Arrays.fill(tokens, from, to, true);
    }

    private static int[] counts(boolean[] tokens) {
        int[] counts = new int[tokens.length + 1];
        for (int i = 0; i < tokens.length; i++) {
            counts[i + 1] = counts[i] + (tokens[i] ? 1 : 0);
        }
        return counts;
    }
}
