package org.openlora.meter.duplicates;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;

/// Which rows of one datanet are copies, and of which original: the row that was registered first among its
/// near-duplicates, in this datanet or an earlier one. An original is no copy itself. Immutable.
public final class Copies {
    private final int[] rows; // [copies], ascending
    private final int[] originalDatanets; // [copies], indices into digests
    private final int[] originalRows; // [copies]
    private final List<Bytes32> digests;

    private Copies(int[] rows, int[] originalDatanets, int[] originalRows, List<Bytes32> digests) {
        this.rows = rows;
        this.originalDatanets = originalDatanets;
        this.originalRows = originalRows;
        this.digests = List.copyOf(digests);
    }

    /// A datanet all of whose rows are originals.
    public static Copies none() {
        return new Builder().build();
    }

    /// How many rows are copies.
    public int size() {
        return rows.length;
    }

    /// The row that a row is a copy of; empty where it is an original.
    public Optional<RowId> originalOf(int row) {
        int place = Arrays.binarySearch(rows, row);
        return place < 0 ? Optional.empty() : Optional.of(original(place));
    }

    /// The number of a copy's row.
    ///
    /// @param place from 0 to [#size]
    public int row(int place) {
        return rows[place];
    }

    /// The original of a copy.
    ///
    /// @param place from 0 to [#size]
    public RowId original(int place) {
        return new RowId(digests.get(originalDatanets[place]), originalRows[place]);
    }

    /// SHA-256 of `lp("openlora/copies/v1") ‖ lp(rule) ‖ datanet digest` and, for each copy ascending by row,
    /// `u32(row) ‖ digest of the original's datanet ‖ u32(original's row)`.
    ///
    /// @param datanet whose copies these are
    public Bytes32 digest(Bytes32 datanet) {
        Sha256 digest = Sha256.domain("openlora/copies/v1")
                .prefixed(NearDuplicates.RULE.getBytes(StandardCharsets.UTF_8))
                .word(datanet);
        for (int place = 0; place < rows.length; place++) {
            RowId original = original(place);
            digest.raw(u32(rows[place])).word(original.datanet()).raw(u32(original.row()));
        }
        return digest.digest();
    }

    private static byte[] u32(int value) {
        return ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array();
    }

    /// Takes copies in ascending order of their rows.
    public static final class Builder {
        private final Map<Bytes32, Integer> indices = new HashMap<>();
        private final List<Bytes32> digests = new ArrayList<>();
        private int[] rows = new int[16];
        private int[] originalDatanets = new int[16];
        private int[] originalRows = new int[16];
        private int size;

        /// @throws IllegalArgumentException where the row does not follow the one before
        public Builder add(int row, RowId original) {
            if (row < 0 || (size > 0 && row <= rows[size - 1])) {
                throw new IllegalArgumentException("copies come in ascending order, row " + row + " does not");
            }
            if (size == rows.length) {
                rows = Arrays.copyOf(rows, 2 * size);
                originalDatanets = Arrays.copyOf(originalDatanets, 2 * size);
                originalRows = Arrays.copyOf(originalRows, 2 * size);
            }
            rows[size] = row;
            originalDatanets[size] = indices.computeIfAbsent(original.datanet(), digest -> {
                digests.add(digest);
                return digests.size() - 1;
            });
            originalRows[size++] = original.row();
            return this;
        }

        /// The copies so far.
        public Copies build() {
            return new Copies(
                    Arrays.copyOf(rows, size),
                    Arrays.copyOf(originalDatanets, size),
                    Arrays.copyOf(originalRows, size),
                    digests);
        }
    }
}
