package org.openlora.meter.index;

import java.util.Arrays;
import org.openlora.meter.files.Progress;

/// What an index consists of, on the heap: how it is built and before it is written.
///
/// @param rowStarts `[rows]` position of each row's first token in the text that runs forward
/// @param ids `[distinct]` token ids that occur, ascending
/// @param idStarts `[distinct + 1]` place of each id's first suffix; the last is the number of suffixes
/// @param reversed `[tokens + rows]` all rows backwards, each token shifted up by one, each row behind a border
///     of 0
/// @param suffixes `[tokens + rows]` positions in `reversed`, ascending by what begins there
@SuppressWarnings("ArrayRecordComponent") // moved from the builder into a file or an index, never compared
record IndexArrays(int[] rowStarts, int[] ids, int[] idStarts, int[] reversed, int[] suffixes) {
    /// Divides rows; token ids are shifted up by one to make room for it.
    static final int BORDER = 0;

    private static final int MOST_SYMBOLS = Integer.MAX_VALUE - 8;
    private static final int PROGRESS_ROWS = 1_024;

    /// Builds the index of some rows.
    ///
    /// @throws IllegalArgumentException for a negative token id, or more than 2³¹ tokens in all
    static IndexArrays build(RowTokens rows, Progress progress) {
        int[] rowStarts = new int[rows.size()];
        int[] symbols = new int[Math.max(16, 2 * rowStarts.length)];
        int size = 0;
        for (int row = 0; row < rowStarts.length; row++) {
            if (row % PROGRESS_ROWS == 0) {
                progress.at("encoding text, rows", row, rowStarts.length);
            }
            rowStarts[row] = size;
            int[] tokens = rows.tokens(row);
            symbols = withRoom(symbols, size, tokens.length + 1);
            for (int token : tokens) {
                if (token < 0) {
                    throw new IllegalArgumentException("row " + row + " holds a negative token id: " + token);
                }
                symbols[size++] = token + 1;
            }
            symbols[size++] = BORDER;
        }
        progress.at("encoding text, rows", rowStarts.length, rowStarts.length);
        int[] reversed = reversed(symbols, size);
        return withIds(rowStarts, reversed, SuffixArray.build(reversed, progress));
    }

    private static int[] withRoom(int[] symbols, int size, int more) {
        long needed = (long) size + more;
        if (needed > MOST_SYMBOLS) {
            throw new IllegalArgumentException(
                    "a corpus of more than " + MOST_SYMBOLS + " tokens and rows exceeds an index: divide the datanet");
        }
        return needed <= symbols.length
                ? symbols
                : Arrays.copyOf(symbols, (int) Math.min(MOST_SYMBOLS, Math.max(needed, symbols.length * 3L / 2)));
    }

    private static int[] reversed(int[] symbols, int size) {
        int[] reversed = new int[size];
        for (int i = 0; i < size; i++) {
            reversed[size - 1 - i] = symbols[i];
        }
        return reversed;
    }

    private static IndexArrays withIds(int[] rowStarts, int[] reversed, int[] suffixes) {
        int[] ids = new int[16];
        int[] starts = new int[16];
        int distinct = 0;
        int previous = BORDER;
        for (int place = 0; place < suffixes.length; place++) {
            int symbol = reversed[suffixes[place]];
            if (symbol != previous) {
                if (distinct + 1 >= starts.length) {
                    ids = Arrays.copyOf(ids, 2 * ids.length);
                    starts = Arrays.copyOf(starts, 2 * starts.length);
                }
                ids[distinct] = symbol - 1;
                starts[distinct++] = place;
                previous = symbol;
            }
        }
        starts[distinct] = suffixes.length;
        return new IndexArrays(
                rowStarts, Arrays.copyOf(ids, distinct), Arrays.copyOf(starts, distinct + 1), reversed, suffixes);
    }
}
