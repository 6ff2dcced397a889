package org.openlora.meter.index;

import java.util.Arrays;
import org.openlora.meter.files.Progress;

/// Suffix arrays by induced sorting, SA-IS (Nong, Zhang, Chan, "Linear Suffix Array Construction by Almost Pure
/// Induced-Sorting", DCC 2009): linear time, whatever repeats there are.
///
/// A suffix is of type S where it is smaller than the one that begins a symbol later, else of type L; behind
/// the text stands an end that is smaller than every symbol. An S whose left neighbour is L is *leftmost*
/// (LMS). The order of the leftmost suffixes, found by sorting the pieces between them and, where pieces
/// repeat, by the same algorithm over the pieces' names, gives the order of all others in two scans.
final class SuffixArray {
    private static final int EMPTY = -1;
    private static final String STAGE = "sorting suffixes, tokens";
    /// Passes over the text that are told of.
    private static final int PASSES = 5;

    private final int[] text;
    private final int length;
    private final int[] sorted; // [length], the result
    private final long[] smaller; // bit i: suffix i is of type S
    private final int[] bucketEnds; // [alphabet], for each symbol the place behind its last suffix
    private final int[] heads; // [alphabet], scratch

    private SuffixArray(int[] text, int alphabet) {
        this.text = text;
        this.length = text.length;
        this.sorted = new int[length];
        this.smaller = new long[(length >>> 6) + 1];
        this.bucketEnds = new int[alphabet];
        this.heads = new int[alphabet];
        classify();
    }

    /// Start positions of all suffixes in ascending order; a suffix that is a prefix of another comes first.
    ///
    /// @param text symbols from 0 up
    static int[] build(int[] text, Progress progress) {
        if (text.length == 0) {
            return new int[0];
        }
        int alphabet = Arrays.stream(text).max().orElse(0) + 1;
        return alphabet > text.length + 1 ? sort(ranked(text), text.length, progress) : sort(text, alphabet, progress);
    }

    /// Few symbols of a large alphabet, by their ranks among those that occur.
    private static int[] ranked(int[] text) {
        int[] symbols = Arrays.stream(text).sorted().distinct().toArray();
        return Arrays.stream(text)
                .map(symbol -> Arrays.binarySearch(symbols, symbol))
                .toArray();
    }

    private static int[] sort(int[] text, int alphabet, Progress progress) {
        return new SuffixArray(text, alphabet).sort(progress);
    }

    private int[] sort(Progress progress) {
        told(progress, 0);
        int[] leftmost = leftmost();
        sortPieces(leftmost);
        told(progress, 2);
        int[] order = order(leftmost);
        told(progress, 3);
        Arrays.fill(sorted, EMPTY);
        System.arraycopy(bucketEnds, 0, heads, 0, heads.length);
        for (int i = order.length - 1; i >= 0; i--) {
            sorted[--heads[text[order[i]]]] = order[i];
        }
        induce();
        told(progress, PASSES);
        return sorted;
    }

    private void told(Progress progress, int passes) {
        progress.at(STAGE, (long) length * passes / PASSES, length);
    }

    /// Finds every suffix's type, and where each symbol's suffixes will end.
    private void classify() {
        for (int symbol : text) {
            bucketEnds[symbol]++;
        }
        for (int symbol = 1; symbol < bucketEnds.length; symbol++) {
            bucketEnds[symbol] += bucketEnds[symbol - 1];
        }
        boolean next = false; // the last suffix is larger than the end behind it
        for (int i = length - 2; i >= 0; i--) {
            if (text[i] < text[i + 1] || (text[i] == text[i + 1] && next)) {
                smaller[i >>> 6] |= 1L << i;
                next = true;
            } else {
                next = false;
            }
        }
    }

    private boolean isSmaller(int position) {
        return (smaller[position >>> 6] >>> position & 1) != 0;
    }

    private boolean isLeftmost(int position) {
        return position > 0 && isSmaller(position) && !isSmaller(position - 1);
    }

    /// Positions of the leftmost suffixes, in the order of the text.
    private int[] leftmost() {
        int count = 0;
        for (int i = 1; i < length; i++) {
            count += isLeftmost(i) ? 1 : 0;
        }
        int[] positions = new int[count];
        int filled = 0;
        for (int i = 1; i < length; i++) {
            if (isLeftmost(i)) {
                positions[filled++] = i;
            }
        }
        return positions;
    }

    /// Sorts the pieces from one leftmost position to the next: inducing from the leftmost suffixes in any
    /// order puts them in the order of their pieces.
    private void sortPieces(int[] leftmost) {
        Arrays.fill(sorted, EMPTY);
        System.arraycopy(bucketEnds, 0, heads, 0, heads.length);
        for (int position : leftmost) {
            sorted[--heads[text[position]]] = position;
        }
        induce();
    }

    /// From sorted suffixes of type S in their places: all of type L from left to right, then all of type S
    /// from right to left.
    private void induce() {
        heads[0] = 0;
        System.arraycopy(bucketEnds, 0, heads, 1, heads.length - 1);
        sorted[heads[text[length - 1]]++] = length - 1; // the end behind the text comes before everything
        for (int i = 0; i < length; i++) {
            int before = sorted[i] - 1;
            if (before >= 0 && !isSmaller(before)) {
                sorted[heads[text[before]]++] = before;
            }
        }
        System.arraycopy(bucketEnds, 0, heads, 0, heads.length);
        for (int i = length - 1; i >= 0; i--) {
            int before = sorted[i] - 1;
            if (before >= 0 && isSmaller(before)) {
                sorted[--heads[text[before]]] = before;
            }
        }
    }

    /// The leftmost suffixes in ascending order.
    private int[] order(int[] leftmost) {
        if (leftmost.length == 0) {
            return leftmost;
        }
        // Two leftmost positions are at least two apart, so half a position names one.
        int[] names = new int[(length >>> 1) + 1];
        int distinct = name(leftmost.length, names);
        int[] order = new int[leftmost.length];
        int[] reduced = new int[leftmost.length];
        for (int i = 0; i < reduced.length; i++) {
            reduced[i] = names[leftmost[i] >>> 1];
        }
        if (distinct < reduced.length) {
            int[] sortedNames = sort(reduced, distinct, Progress.NONE);
            for (int i = 0; i < order.length; i++) {
                order[i] = leftmost[sortedNames[i]];
            }
        } else {
            for (int i = 0; i < order.length; i++) {
                order[reduced[i]] = leftmost[i];
            }
        }
        return order;
    }

    /// Numbers the sorted pieces from 0, equal ones alike, at half their positions; returns how many numbers
    /// there are.
    private int name(int pieces, int[] names) {
        int filled = 0;
        for (int i = 0; i < length && filled < pieces; i++) {
            if (isLeftmost(sorted[i])) {
                sorted[filled++] = sorted[i];
            }
        }
        int name = 0;
        names[sorted[0] >>> 1] = 0;
        for (int i = 1; i < pieces; i++) {
            name += samePiece(sorted[i - 1], sorted[i]) ? 0 : 1;
            names[sorted[i] >>> 1] = name;
        }
        return name + 1;
    }

    private boolean samePiece(int first, int second) {
        for (int i = 0; first + i < length && second + i < length; i++) {
            int a = first + i;
            int b = second + i;
            if (text[a] != text[b] || isSmaller(a) != isSmaller(b)) {
                return false;
            }
            if (i > 0 && isLeftmost(a)) {
                return true; // with equal symbols and types up to here, the other piece ends here too
            }
        }
        return false; // one of them ends with the text
    }
}
