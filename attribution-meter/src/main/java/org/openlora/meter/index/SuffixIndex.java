package org.openlora.meter.index;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.openlora.meter.files.Progress;

/// Finds where pieces of a token sequence occur verbatim in rows of tokens. A suffix array over the reversed
/// rows (infini-gram, arXiv 2401.17377, reversed), so that "the longest piece ending here" is one binary
/// search, among the suffixes that begin with the piece's last token. Rows are divided by a symbol that no
/// query holds: no match crosses a row's border. Immutable; on the heap or in a mapped file, with the same
/// results.
public final class SuffixIndex {
    /// A piece of the query, tokens `[start, start + length)`, that occurs in the rows and could not be longer at
    /// either end.
    public record Match(int start, int length) {
        public int end() {
            return start + length;
        }
    }

    /// Is told of the tokens that occur.
    @FunctionalInterface
    public interface CountConsumer {
        void accept(int token, int count);
    }

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Parts parts;
    private final boolean isShort;
    private final int symbols;
    private final int rows;
    private final int distinct;

    /// The arrays of [IndexArrays], little-endian: u32, but for `reversed`, which is u16 where the tokens fit.
    ///
    /// @param symbolBytes 2 or 4
    record Parts(
            MemorySegment rowStarts,
            MemorySegment ids,
            MemorySegment idStarts,
            MemorySegment reversed,
            MemorySegment suffixes,
            int symbolBytes) {}

    SuffixIndex(Parts parts) {
        this.parts = parts;
        this.isShort = parts.symbolBytes() == Short.BYTES;
        this.symbols = (int) (parts.suffixes().byteSize() / Integer.BYTES);
        this.rows = (int) (parts.rowStarts().byteSize() / Integer.BYTES);
        this.distinct = (int) (parts.ids().byteSize() / Integer.BYTES);
    }

    /// An index on the heap.
    ///
    /// @param rows token ids from 0 up; a row may be empty
    /// @throws IllegalArgumentException for a negative token id, or more than 2³¹ tokens in all
    public static SuffixIndex of(List<int[]> rows) {
        IndexArrays arrays = IndexArrays.build(
                new RowTokens() {
                    @Override
                    public int size() {
                        return rows.size();
                    }

                    @Override
                    public int[] tokens(int row) {
                        return rows.get(row);
                    }
                },
                Progress.NONE);
        return new SuffixIndex(new Parts(
                segment(arrays.rowStarts()),
                segment(arrays.ids()),
                segment(arrays.idStarts()),
                segment(arrays.reversed()),
                segment(arrays.suffixes()),
                Integer.BYTES));
    }

    /// The array's own memory where the machine is little-endian, as all that OpenLoRA runs on are; a copy
    /// elsewhere.
    private static MemorySegment segment(int[] values) {
        if (ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN) {
            return MemorySegment.ofArray(values);
        }
        MemorySegment segment = MemorySegment.ofArray(new int[values.length]);
        for (int i = 0; i < values.length; i++) {
            segment.setAtIndex(INT, i, values[i]);
        }
        return segment;
    }

    public int rowCount() {
        return rows;
    }

    /// How many tokens the rows hold together.
    public int tokenCount() {
        return symbols - rows;
    }

    /// The token ids of a row.
    public int[] tokensOf(int row) {
        int start = at(parts.rowStarts(), row);
        int end = (row + 1 < rows ? at(parts.rowStarts(), row + 1) : symbols) - 1; // the border stands behind the row
        int[] tokens = new int[end - start];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = symbol(symbols - 1 - start - i) - 1;
        }
        return tokens;
    }

    /// Tells every token id that occurs, ascending, and how often.
    public void forEachCount(CountConsumer consumer) {
        for (int place = 0; place < distinct; place++) {
            consumer.accept(at(parts.ids(), place), at(parts.idStarts(), place + 1) - at(parts.idStarts(), place));
        }
    }

    private static int at(MemorySegment segment, int place) {
        return segment.get(INT, (long) place * Integer.BYTES);
    }

    private int symbol(int position) {
        return isShort
                ? parts.reversed().get(SHORT, (long) position * Short.BYTES) & 0xffff
                : parts.reversed().get(INT, (long) position * Integer.BYTES);
    }

    private int suffix(int place) {
        return at(parts.suffixes(), place);
    }

    /// The length of the longest piece that ends with the query's token `last`.
    ///
    /// @param most its length at most: one more than that of the longest piece that ends a token before
    public int longestEndingAt(int[] query, int last, int most) {
        int place = lowerBound(query, last, most);
        int above = place < symbols ? common(query, last, suffix(place), most) : 0;
        int below = place > 0 ? common(query, last, suffix(place - 1), most) : 0;
        return Math.max(above, below);
    }

    /// The maximal matches of `query[from, to)`, by ascending start (and end).
    public List<Match> maximalMatches(int[] query, int from, int to) {
        List<Match> matches = new ArrayList<>();
        int length = 0;
        int occurrence = 0;
        for (int i = from; i < to; i++) {
            // The longest piece ending here is at most one longer than the one ending a token before. One known
            // place where that one goes on the same way proves it without a search.
            if (length > 0 && occurrence > 0 && symbol(occurrence - 1) == query[i] + 1) {
                length++;
                occurrence--;
                continue;
            }
            int place = lowerBound(query, i, length + 1);
            int above = place < symbols ? common(query, i, suffix(place), length + 1) : 0;
            int below = place > 0 ? common(query, i, suffix(place - 1), length + 1) : 0;
            int longest = Math.max(above, below);
            if (length > 0 && longest <= length) {
                matches.add(new Match(i - length, length));
            }
            length = longest;
            if (longest > 0) {
                occurrence = above >= below ? suffix(place) : suffix(place - 1);
            }
        }
        if (length > 0) {
            matches.add(new Match(to - length, length));
        }
        return matches;
    }

    /// The rows in which a matched piece of the query occurs, ascending, each once.
    public int[] rowsOf(int[] query, Match match) {
        int last = match.end() - 1;
        int first = lowerBound(query, last, match.length());
        int end = first;
        // The matches stand together; doubling steps find their end without passing over the whole array.
        for (int step = 1; end < symbols && matches(query, last, match.length(), end); step <<= 1) {
            int next = Math.min(end + step, symbols);
            if (matches(query, last, match.length(), next - 1)) {
                end = next;
            } else {
                end = lastMatch(query, last, match.length(), end, next - 1) + 1;
                break;
            }
        }
        int[] found = new int[end - first];
        for (int i = first; i < end; i++) {
            found[i - first] = rowAt(symbols - 1 - suffix(i));
        }
        Arrays.sort(found);
        return Arrays.stream(found).distinct().toArray();
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
        return common(query, last, suffix(place), length) == length;
    }

    /// The row that holds a position of the forward text.
    private int rowAt(int position) {
        int low = 0;
        int high = rows;
        while (high - low > 1) {
            int middle = (low + high) >>> 1;
            if (at(parts.rowStarts(), middle) <= position) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /// The first suffix that is not below the query read backwards from `last` for `length` tokens; looked for
    /// among those that begin with its last token.
    private int lowerBound(int[] query, int last, int length) {
        int id = place(query[last]);
        int low = at(parts.idStarts(), id);
        int high = id < distinct && at(parts.ids(), id) == query[last] ? at(parts.idStarts(), id + 1) : low;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (isBelow(suffix(middle), query, last, length)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /// The place of the first id that is not below a token.
    private int place(int token) {
        int low = 0;
        int high = distinct;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (at(parts.ids(), middle) < token) {
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
        return suffix + common >= symbols || symbol(suffix + common) < query[last - common] + 1;
    }

    /// How many tokens the query, backwards from `last`, shares with a suffix; at most `limit`.
    private int common(int[] query, int last, int suffix, int limit) {
        int bound = Math.min(limit, symbols - suffix);
        int common = 0;
        while (common < bound && query[last - common] + 1 == symbol(suffix + common)) {
            common++;
        }
        return common;
    }
}
