package org.openlora.meter.evidence;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.openlora.meter.index.SuffixIndex;

/// The definition of a match, spelt out: what the index must agree with.
public final class NaiveMatcher {
    private NaiveMatcher() {}

    public static boolean occurs(int[] row, int[] query, int from, int to) {
        return IntStream.rangeClosed(0, row.length - (to - from))
                .anyMatch(i -> Arrays.equals(row, i, i + to - from, query, from, to));
    }

    public static boolean occurs(List<int[]> rows, int[] query, int from, int to) {
        return rows.stream().anyMatch(row -> occurs(row, query, from, to));
    }

    public static List<SuffixIndex.Match> maximalMatches(List<int[]> rows, int[] query, int from, int to) {
        List<SuffixIndex.Match> matches = new ArrayList<>();
        for (int start = from; start < to; start++) {
            for (int end = start + 1; end <= to; end++) {
                boolean growsLeft = start > from && occurs(rows, query, start - 1, end);
                boolean growsRight = end < to && occurs(rows, query, start, end + 1);
                if (occurs(rows, query, start, end) && !growsLeft && !growsRight) {
                    matches.add(new SuffixIndex.Match(start, end - start));
                }
            }
        }
        return matches;
    }

    public static int[] rowsOf(List<int[]> rows, int[] query, SuffixIndex.Match match) {
        return IntStream.range(0, rows.size())
                .filter(r -> occurs(rows.get(r), query, match.start(), match.end()))
                .toArray();
    }
}
