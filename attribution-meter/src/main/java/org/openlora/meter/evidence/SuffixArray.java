package org.openlora.meter.evidence;

import java.util.Arrays;

/// Suffix arrays by prefix doubling with radix sort (Manber and Myers 1990; Larsson and Sadakane 1999 for the
/// idea of ranks): O(n log r) for the longest repeat r, two passes over the text per doubling.
final class SuffixArray {
    private SuffixArray() {}

    /// Start positions of all suffixes in ascending order; a suffix that is a prefix of another comes first.
    ///
    /// @param text symbols from 0 up
    static int[] build(int[] text) {
        int length = text.length;
        int[] order = new int[length];
        if (length == 0) {
            return order;
        }
        int[] ranks = new int[length];
        int[] scratch = new int[length];
        int[] counts = new int[Math.max(Arrays.stream(text).max().orElse(0), length) + 2];
        for (int i = 0; i < length; i++) {
            ranks[i] = text[i] + 1;
            scratch[i] = i;
        }
        sortByRank(scratch, ranks, counts, counts.length, order);
        int distinct = rank(order, ranks, 0, scratch);
        int[] swap = ranks;
        ranks = scratch;
        scratch = swap;
        for (int step = 1; distinct < length; step <<= 1) {
            int filled = 0;
            for (int i = length - step; i < length; i++) {
                scratch[filled++] = i;
            }
            for (int position : order) {
                if (position >= step) {
                    scratch[filled++] = position - step;
                }
            }
            sortByRank(scratch, ranks, counts, distinct + 1, order);
            distinct = rank(order, ranks, step, scratch);
            swap = ranks;
            ranks = scratch;
            scratch = swap;
        }
        return order;
    }

    /// Stable counting sort of `positions` by their ranks into `sorted`.
    private static void sortByRank(int[] positions, int[] ranks, int[] counts, int bound, int[] sorted) {
        Arrays.fill(counts, 0, bound, 0);
        for (int rank : ranks) {
            counts[rank]++;
        }
        for (int i = 1; i < bound; i++) {
            counts[i] += counts[i - 1];
        }
        for (int i = positions.length - 1; i >= 0; i--) {
            int position = positions[i];
            sorted[--counts[ranks[position]]] = position;
        }
    }

    /// Writes each suffix's rank (from 1) by its first `2 · step` symbols (one symbol for step 0); returns how
    /// many ranks there are.
    private static int rank(int[] order, int[] ranks, int step, int[] into) {
        int rank = 1;
        into[order[0]] = 1;
        for (int i = 1; i < order.length; i++) {
            int before = order[i - 1];
            int here = order[i];
            if (ranks[before] != ranks[here] || rankAt(ranks, before + step) != rankAt(ranks, here + step)) {
                rank++;
            }
            into[here] = rank;
        }
        return rank;
    }

    private static int rankAt(int[] ranks, int position) {
        return position < ranks.length ? ranks[position] : 0;
    }
}
