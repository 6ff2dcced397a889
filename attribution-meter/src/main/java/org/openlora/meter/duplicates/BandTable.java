package org.openlora.meter.duplicates;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// A hash table with chains from (band, key) to rows, outside the heap: 32 bands of a million rows are 256 MB.
/// It does not hold the keys; whoever asks compares them.
final class BandTable implements AutoCloseable {
    /// Rows it can hold at most: an entry is addressed by (row, band).
    static final int MOST_ROWS = 1 << 26;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final int LEAST_SLOTS = 1 << 6;

    private final Arena arena = Arena.ofConfined();
    private final int slotBits;
    private final MemorySegment heads; // int[BANDS][slots]: row + 1, or 0
    private final MemorySegment links; // int[rows][BANDS]: row + 1, or 0

    BandTable(int capacityRows) {
        slotBits = Integer.SIZE - Integer.numberOfLeadingZeros(Math.max(LEAST_SLOTS, capacityRows) - 1);
        heads = arena.allocate(INT, (long) Signature.BANDS << slotBits);
        links = arena.allocate(INT, (long) Signature.BANDS * Math.max(1, capacityRows));
    }

    /// Puts a row in front of its chain.
    void insert(int band, int key, int row) {
        long slot = slot(band, key);
        links.setAtIndex(INT, entry(band, row), heads.getAtIndex(INT, slot));
        heads.setAtIndex(INT, slot, row + 1);
    }

    /// The row inserted last in the chain of (band, key); -1 where it is empty.
    int first(int band, int key) {
        return heads.getAtIndex(INT, slot(band, key)) - 1;
    }

    /// The row inserted before this one in the same chain; -1 for none.
    int next(int band, int row) {
        return links.getAtIndex(INT, entry(band, row)) - 1;
    }

    private long slot(int band, int key) {
        return ((long) band << slotBits) + (Signature.mix(Integer.toUnsignedLong(key)) >>> (Long.SIZE - slotBits));
    }

    private static long entry(int band, int row) {
        return (long) row * Signature.BANDS + band;
    }

    @Override
    public void close() {
        arena.close();
    }
}
