package org.openlora.meter.evidence;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Finds where pieces of a token sequence occur verbatim in rows of tokens. A suffix array over the reversed rows
/// (infini-gram, arXiv 2401.17377, reversed), so that "the longest piece ending here" is one binary search. Rows
/// are divided by a symbol that no query holds: no match crosses a row's border. Eight bytes per token;
/// immutable.
public final class SuffixIndex {
    /// A piece of the query, tokens `[start, start + length)`, that occurs in the rows and could not be longer at
    /// either end.
    public record Match(int start, int length) {
        public int end() {
            return start + length;
        }
    }

    /// Divides rows; token ids are shifted up by one to make room for it.
    private static final int BORDER = 0;

    private final int[] reversed;
    private final int[] suffixes;
    private final int[] rowStarts;

    private SuffixIndex(int[] reversed, int[] suffixes, int[] rowStarts) {
        this.reversed = reversed;
        this.suffixes = suffixes;
        this.rowStarts = rowStarts;
    }

    /// @param rows token ids from 0 up; a row may be empty
    /// @throws IllegalArgumentException for a negative token id, or more than 2³¹ tokens in all
    public static SuffixIndex of(List<int[]> rows) {
        long total = rows.size();
        for (int[] row : rows) {
            total += row.length;
        }
        if (total > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException("a corpus of " + total + " tokens and rows exceeds an index of 2^31");
        }
        int[] reversed = new int[(int) total];
        int[] rowStarts = new int[rows.size()];
        int position = 0;
        for (int r = 0; r < rowStarts.length; r++) {
            rowStarts[r] = position;
            for (int token : rows.get(r)) {
                if (token < 0) {
                    throw new IllegalArgumentException("row " + r + " holds a negative token id: " + token);
                }
                reversed[reversed.length - 1 - position++] = token + 1;
            }
            reversed[reversed.length - 1 - position++] = BORDER;
        }
        return new SuffixIndex(reversed, SuffixArray.build(reversed), rowStarts);
    }

    public int rowCount() {
        return rowStarts.length;
    }

    /// The maximal matches of `query[from, to)`, by ascending start (and end).
    public List<Match> maximalMatches(int[] query, int from, int to) {
        List<Match> matches = new ArrayList<>();
        int length = 0;
        int occurrence = 0;
        for (int i = from; i < to; i++) {
            // The longest piece ending here is at most one longer than the one ending a token before. One known
            // place where that one goes on the same way proves it without a search.
            if (length > 0 && occurrence > 0 && reversed[occurrence - 1] == query[i] + 1) {
                length++;
                occurrence--;
                continue;
            }
            int place = lowerBound(query, i, length + 1);
            int above = place < suffixes.length ? common(query, i, suffixes[place], length + 1) : 0;
            int below = place > 0 ? common(query, i, suffixes[place - 1], length + 1) : 0;
            int longest = Math.max(above, below);
            if (length > 0 && longest <= length) {
                matches.add(new Match(i - length, length));
            }
            length = longest;
            if (longest > 0) {
                occurrence = above >= below ? suffixes[place] : suffixes[place - 1];
            }
        }
        if (length > 0) {
            matches.add(new Match(to - length, length));
        }
        return matches;
    }

    /// The length of the longest piece that ends with the query's token `last`.
    ///
    /// @param most its length at most: one more than that of the longest piece that ends a token before
    public int longestEndingAt(int[] query, int last, int most) {
        int place = lowerBound(query, last, most);
        int above = place < suffixes.length ? common(query, last, suffixes[place], most) : 0;
        int below = place > 0 ? common(query, last, suffixes[place - 1], most) : 0;
        return Math.max(above, below);
    }

    /// The rows in which a matched piece of the query occurs, ascending, each once.
    public int[] rowsOf(int[] query, Match match) {
        int last = match.end() - 1;
        int first = lowerBound(query, last, match.length());
        int end = first;
        // The matches stand together; doubling steps find their end without passing over the whole array.
        for (int step = 1; end < suffixes.length && matches(query, last, match.length(), end); step <<= 1) {
            int next = Math.min(end + step, suffixes.length);
            if (matches(query, last, match.length(), next - 1)) {
                end = next;
            } else {
                end = lastMatch(query, last, match.length(), end, next - 1) + 1;
                break;
            }
        }
        int[] rows = new int[end - first];
        for (int i = first; i < end; i++) {
            rows[i - first] = rowAt(reversed.length - 1 - suffixes[i]);
        }
        Arrays.sort(rows);
        return Arrays.stream(rows).distinct().toArray();
    }

    /// The last place in `[known, above)` that matches, where `known` does and `above` does not.
    private int lastMatch(int[] query, int last, int length, int known, int above) {
        int low = known;
        int high = above;
        while (high - low > 1) {
            int middle = (low + high) >>> 1;
            if (matches(query, last, length, middle)) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private boolean matches(int[] query, int last, int length, int place) {
        return common(query, last, suffixes[place], length) == length;
    }

    private int rowAt(int position) {
        int row = Arrays.binarySearch(rowStarts, position);
        return row >= 0 ? row : -row - 2;
    }

    /// The first suffix that is not below the query read backwards from `last` for `length` tokens.
    private int lowerBound(int[] query, int last, int length) {
        int low = 0;
        int high = suffixes.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (isBelow(suffixes[middle], query, last, length)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private boolean isBelow(int suffix, int[] query, int last, int length) {
        int common = common(query, last, suffix, length);
        if (common == length) {
            return false;
        }
        return suffix + common >= reversed.length || reversed[suffix + common] < query[last - common] + 1;
    }

    /// How many tokens the query, backwards from `last`, shares with a suffix; at most `limit`.
    private int common(int[] query, int last, int suffix, int limit) {
        int bound = Math.min(limit, reversed.length - suffix);
        int common = 0;
        while (common < bound && query[last - common] + 1 == reversed[suffix + common]) {
            common++;
        }
        return common;
    }
}
