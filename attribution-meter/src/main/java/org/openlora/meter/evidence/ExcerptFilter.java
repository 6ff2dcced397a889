package org.openlora.meter.evidence;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.openlora.meter.index.SuffixIndex;

/// Whose text a span was first: keeps excerpts from being paid as originals.
///
/// A datanet registered later may hold a passage of an earlier one inside a row that is no near-duplicate, with a
/// few words more at its end, so that its span is the longest. Likewise a prompt may hold a text with gaps. So
/// datanets are gone through in the order of their registration, the prompt before all of them: a span of which at
/// least half the tokens stand in spans of earlier ones is an excerpt and does not count. What several datanets
/// hold word by word is the first one's.
///
/// @param costs prefix sums of the output's rarity
/// @param threshold of a span's rarity; pieces of the prompt count from half of it
@SuppressWarnings("ArrayRecordComponent") // Read only; never compared.
record ExcerptFilter(long[] costs, long threshold) {
    /// The spans that are no excerpts, each with the sources of its first datanet alone.
    ///
    /// @param repeated maximal matches of the output with the prompt
    List<SpanEvidence.Span> originals(List<SuffixIndex.Match> repeated, List<SpanEvidence.Span> candidates) {
        TreeMap<Integer, List<SpanEvidence.Span>> byDatanet = new TreeMap<>();
        for (SpanEvidence.Span span : candidates) {
            byDatanet
                    .computeIfAbsent(span.sources().getFirst().datanet(), _ -> new ArrayList<>())
                    .add(span);
        }
        boolean[] earlier = new boolean[costs.length - 1];
        for (SuffixIndex.Match match : repeated) {
            if (2 * (costs[match.end()] - costs[match.start()]) >= threshold) {
                mark(earlier, match.start(), match.end());
            }
        }
        List<SpanEvidence.Span> originals = new ArrayList<>();
        for (Map.Entry<Integer, List<SpanEvidence.Span>> entry : byDatanet.entrySet()) {
            int[] before = counts(earlier);
            for (SpanEvidence.Span span : entry.getValue()) {
                if (2 * (before[span.end()] - before[span.start()]) < span.length()) {
                    originals.add(span.heldBy(entry.getKey()));
                    mark(earlier, span.start(), span.end());
                }
            }
        }
        return originals;
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
