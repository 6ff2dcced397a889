package org.openlora.kernels;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Objects;

/// Which rows of a batch use which adapters, and how strongly: segment `s` is the entries
/// `[segmentStarts[s], segmentStarts[s + 1])`, all of `slots[s]`.
///
/// Segments are sorted by adapter digest. A row occurs once for each of its adapters, in as many segments, and
/// not at all when it has none: such rows cost nothing. Segments may be empty. The arrays are not copied and must
/// not change.
public final class LoraBatch {
    private final int[] rows;
    private final int[] segmentStarts;
    private final LoraSlot[] slots;
    private final float[] scales;
    private final int lastRow;
    private final boolean rowsDistinct;

    /// Checks that the arrays fit each other.
    ///
    /// @param rows row of the activations, per entry
    /// @param segmentStarts first entry of each segment, ascending from 0, and at the end the number of entries
    /// @param slots adapter weights, per segment
    /// @param scales factor on the update, per entry
    /// @throws IllegalArgumentException if a row is negative or the arrays do not fit each other
    public LoraBatch(int[] rows, int[] segmentStarts, LoraSlot[] slots, float[] scales) {
        Objects.requireNonNull(rows, "rows");
        if (segmentStarts.length != slots.length + 1) {
            throw new IllegalArgumentException("segmentStarts has " + segmentStarts.length + " elements, needs "
                    + (slots.length + 1) + " for " + slots.length + " slots");
        }
        if (scales.length != rows.length) {
            throw new IllegalArgumentException(
                    "scales has " + scales.length + " elements, needs one for each of " + rows.length + " entries");
        }
        if (segmentStarts[0] != 0 || segmentStarts[slots.length] != rows.length) {
            throw new IllegalArgumentException("segmentStarts runs from " + segmentStarts[0] + " to "
                    + segmentStarts[slots.length] + ", must run from 0 to " + rows.length);
        }
        for (int s = 0; s < slots.length; s++) {
            if (segmentStarts[s] > segmentStarts[s + 1]) {
                throw new IllegalArgumentException("segmentStarts falls from " + segmentStarts[s] + " to "
                        + segmentStarts[s + 1] + " at segment " + s);
            }
        }
        BitSet seen = new BitSet();
        for (int row : rows) {
            seen.set(Shapes.notNegative("row of an entry", row));
        }
        this.rows = rows;
        this.segmentStarts = segmentStarts;
        this.slots = slots;
        this.scales = scales;
        this.lastRow = seen.length() - 1;
        this.rowsDistinct = seen.cardinality() == rows.length;
    }

    /// A batch in which no row has an adapter.
    public static LoraBatch none() {
        return new LoraBatch(new int[0], new int[] {0}, new LoraSlot[0], new float[0]);
    }

    /// Row of the activations, per entry.
    public int[] rows() {
        return rows;
    }

    /// First entry of each segment, and at the end the number of entries.
    public int[] segmentStarts() {
        return segmentStarts;
    }

    /// Adapter weights, per segment.
    public LoraSlot[] slots() {
        return slots;
    }

    /// Factor on the update, per entry.
    public float[] scales() {
        return scales;
    }

    /// Whether an adapter of the batch changes anything at a point of a layer.
    public boolean reaches(int layer, LoraPoint point) {
        for (int s = 0; s < slots.length; s++) {
            if (segmentStarts[s] < segmentStarts[s + 1]
                    && !(slots[s].modules(layer, point).isEmpty()
                            && slots[s].scales(layer, point).isEmpty())) {
                return true;
            }
        }
        return false;
    }

    /// The entries of some rows only: row `kept[i]` becomes row `i`.
    ///
    /// @param kept ascending, without repetition
    public LoraBatch onlyRows(int[] kept) {
        int[] newRows = new int[rows.length];
        float[] newScales = new float[rows.length];
        int[] newStarts = new int[segmentStarts.length];
        int count = 0;
        for (int s = 0; s < slots.length; s++) {
            for (int e = segmentStarts[s]; e < segmentStarts[s + 1]; e++) {
                int row = Arrays.binarySearch(kept, rows[e]);
                if (row >= 0) {
                    newRows[count] = row;
                    newScales[count++] = scales[e];
                }
            }
            newStarts[s + 1] = count;
        }
        return new LoraBatch(Arrays.copyOf(newRows, count), newStarts, slots, Arrays.copyOf(newScales, count));
    }

    int segments() {
        return slots.length;
    }

    /// The highest row that an entry names, -1 without entries.
    int lastRow() {
        return lastRow;
    }

    /// Whether no row occurs twice, so that entries may be worked on in any order.
    boolean rowsDistinct() {
        return rowsDistinct;
    }
}
