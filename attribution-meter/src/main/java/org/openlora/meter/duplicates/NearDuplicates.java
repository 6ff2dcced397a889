package org.openlora.meter.duplicates;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.openlora.meter.files.Progress;

/// Finds, for each row in the order of registration, the earliest original that it is a near-duplicate of; a
/// row without one is an original itself. Originals alone gather copies, so a million copies of one row cost a
/// million comparisons, and whether a row is a copy depends on earlier rows alone: nothing that is registered
/// later moves a row from one original to another.
///
/// Candidates are the originals that share a band with the row ([Signature]). A bucket keeps its first
/// [#MOST_IN_BUCKET] originals; of a row's candidates the [#MOST_CANDIDATES] that share most bands (of equals
/// the earlier ones) are compared, exactly ([Shingles#isNear]). Both bounds keep a million rows of one template
/// from being compared with each other.
public final class NearDuplicates {
    /// Names this rule with all its numbers. A change of any result is a new name.
    public static final String RULE = "minhash-8b-32x4-jaccard-7/10/1";
    /// Bands of a row.
    public static final int BANDS = Signature.BANDS;

    /// Two rows are near where what they share is at least this many …
    static final int NEAR_PARTS = 7;
    /// … of this many parts of what they have together.
    static final int NEAR_OF = 10;

    static final int MOST_IN_BUCKET = 64;
    static final int MOST_CANDIDATES = 32;
    private static final int KEPT_SHINGLES = 4_096;
    private static final int PROGRESS_ROWS = 4_096;

    /// What was registered: the rows of a datanet and which of them are copies.
    ///
    /// @param copies as they were found when the datanet was registered
    public record Registered(BandedRows rows, Copies copies) {}

    private final List<BandedRows> sets = new ArrayList<>();
    private final BandTable table;
    private final int[] setOfOriginal; // [originals]
    private final int[] rowOfOriginal; // [originals]
    private int originals;
    private final int[] hits = new int[BANDS * MOST_IN_BUCKET];
    private final Map<Integer, Shingles> recent = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Integer, Shingles> eldest) {
            return size() > KEPT_SHINGLES;
        }
    };

    private NearDuplicates(int capacity, BandTable table) {
        this.table = table;
        this.setOfOriginal = new int[capacity];
        this.rowOfOriginal = new int[capacity];
    }

    /// The keys of a text's bands, which [BandedRows] keep.
    ///
    /// @return `[BANDS]`
    public static int[] bandsOf(String text) {
        return Signature.bands(Shingles.of(text));
    }

    /// The copies among the rows of a datanet that is registered behind others.
    ///
    /// @param earlier in the order of their registration
    /// @throws IllegalArgumentException for more originals than an array holds
    public static Copies find(List<Registered> earlier, BandedRows rows, Progress progress) {
        long capacity = rows.size();
        for (Registered registered : earlier) {
            capacity += registered.rows().size() - registered.copies().size();
        }
        if (capacity > BandTable.MOST_ROWS) {
            throw new IllegalArgumentException(
                    "near-duplicates are looked for among at most " + BandTable.MOST_ROWS + " rows, not " + capacity);
        }
        try (BandTable table = new BandTable((int) capacity)) {
            NearDuplicates search = new NearDuplicates((int) capacity, table);
            for (Registered registered : earlier) {
                search.insertOriginals(registered);
            }
            return search.findCopies(rows, progress);
        }
    }

    private void insertOriginals(Registered registered) {
        sets.add(registered.rows());
        int copy = 0;
        for (int row = 0; row < registered.rows().size(); row++) {
            if (copy < registered.copies().size() && registered.copies().row(copy) == row) {
                copy++;
            } else {
                insert(row);
            }
        }
    }

    private Copies findCopies(BandedRows rows, Progress progress) {
        sets.add(rows);
        Copies.Builder copies = new Copies.Builder();
        for (int row = 0; row < rows.size(); row++) {
            if (row % PROGRESS_ROWS == 0) {
                progress.at("looking for near-duplicates, rows", row, rows.size());
            }
            Optional<Integer> original = nearest(rows, row);
            if (original.isPresent()) {
                copies.add(row, id(original.get()));
            } else {
                insert(row);
            }
        }
        progress.at("looking for near-duplicates, rows", rows.size(), rows.size());
        return copies.build();
    }

    private RowId id(int original) {
        return new RowId(sets.get(setOfOriginal[original]).datanet(), rowOfOriginal[original]);
    }

    /// Adds a row of the last set as an original.
    private void insert(int row) {
        setOfOriginal[originals] = sets.size() - 1;
        rowOfOriginal[originals] = row;
        for (int band = 0; band < BANDS; band++) {
            int key = bandOf(originals, band);
            if (collect(band, key, 0) < MOST_IN_BUCKET) {
                table.insert(band, key, originals);
            }
        }
        originals++;
    }

    private int bandOf(int original, int band) {
        return sets.get(setOfOriginal[original]).band(rowOfOriginal[original], band);
    }

    /// Puts the originals of one bucket into [#hits] from a place on; returns the place behind them.
    private int collect(int band, int key, int from) {
        int end = from;
        for (int original = table.first(band, key); original >= 0; original = table.next(band, original)) {
            // A slot of the table is shared by keys that hash alike.
            if (bandOf(original, band) == key) {
                hits[end++] = original;
            }
        }
        return end;
    }

    /// The earliest original that a row is near to.
    private Optional<Integer> nearest(BandedRows rows, int row) {
        int count = 0;
        for (int band = 0; band < BANDS; band++) {
            count = collect(band, rows.band(row, band), count);
        }
        if (count == 0) {
            return Optional.empty();
        }
        Arrays.sort(hits, 0, count);
        Shingles shingles = Shingles.of(rows.text(row));
        for (int candidate : candidates(count)) {
            if (shingles.isNear(shinglesOf(candidate))) {
                return Optional.of(candidate);
            }
        }
        return Optional.empty();
    }

    /// The originals worth comparing among sorted hits, ascending.
    private int[] candidates(int count) {
        long[] ranked = new long[count]; // bands not shared ‖ original
        int distinct = 0;
        for (int start = 0; start < count; ) {
            int end = start;
            while (end < count && hits[end] == hits[start]) {
                end++;
            }
            ranked[distinct++] = (long) (BANDS - (end - start)) << Integer.SIZE | hits[start];
            start = end;
        }
        Arrays.sort(ranked, 0, distinct);
        int[] candidates = new int[Math.min(distinct, MOST_CANDIDATES)];
        Arrays.setAll(candidates, i -> (int) ranked[i]);
        Arrays.sort(candidates);
        return candidates;
    }

    private Shingles shinglesOf(int original) {
        return recent.computeIfAbsent(
                original, o -> Shingles.of(sets.get(setOfOriginal[o]).text(rowOfOriginal[o])));
    }
}
