package org.openlora.kernels;

import java.util.Arrays;

/// The units of one phase of a [LoraPlan], in order, and the chunks of about equal cost in which threads claim
/// them. A unit is a piece and a range `[from, to)` of its rank rows or outputs, or of rows.
final class LoraUnits {
    private int[] pieces = new int[64];
    private int[] froms = new int[64];
    private int[] tos = new int[64];
    private long[] costEnds = new long[64]; // cost of all units up to and with this one
    private int[] chunkEnds = new int[8];
    private int count;
    private int chunks;

    void clear() {
        count = 0;
        chunks = 0;
    }

    void add(int piece, int from, int to, long cost) {
        if (count == pieces.length) {
            pieces = Arrays.copyOf(pieces, 2 * count);
            froms = Arrays.copyOf(froms, 2 * count);
            tos = Arrays.copyOf(tos, 2 * count);
            costEnds = Arrays.copyOf(costEnds, 2 * count);
        }
        pieces[count] = piece;
        froms[count] = from;
        tos[count] = to;
        costEnds[count] = (count == 0 ? 0 : costEnds[count - 1]) + cost;
        count++;
    }

    /// Cuts the units into at most `wanted` chunks, none of them empty.
    void cut(int wanted) {
        if (chunkEnds.length < wanted) {
            chunkEnds = new int[wanted];
        }
        long total = count == 0 ? 0 : costEnds[count - 1];
        for (int unit = 0; unit < count; unit++) {
            // A chunk ends with the unit that brings the cost to its share of the total.
            if (unit == count - 1 || costEnds[unit] * wanted >= total * (chunks + 1)) {
                chunkEnds[chunks++] = unit + 1;
            }
        }
    }

    int chunks() {
        return chunks;
    }

    int chunkStart(int chunk) {
        return chunk == 0 ? 0 : chunkEnds[chunk - 1];
    }

    int chunkEnd(int chunk) {
        return chunkEnds[chunk];
    }

    int piece(int unit) {
        return pieces[unit];
    }

    int from(int unit) {
        return froms[unit];
    }

    int to(int unit) {
        return tos[unit];
    }
}
