package org.openlora.kernels;

/// Which keys each row of a batch attends to: those of its own sequence at positions up to its own, the last
/// `slidingWindow` of them (its own included) where that is not 0.
///
/// Token `p` of sequence `s` stands in block `blockTables[s][p / blockTokens]`. The arrays are not copied and
/// must not change.
///
/// @param positions position in its sequence, per row
/// @param sequences index into `blockTables`, per row
/// @param blockTables blocks of each sequence, in order of position; a table may be longer than needed
/// @param slidingWindow tokens that a row sees at most; 0 = all
@SuppressWarnings("ArrayRecordComponent") // Built once per step and read by the kernels; never compared.
public record AttentionBatch(int[] positions, int[] sequences, int[][] blockTables, int slidingWindow) {
    public AttentionBatch {
        if (positions.length != sequences.length) {
            throw new IllegalArgumentException(
                    "positions has " + positions.length + " rows and sequences " + sequences.length);
        }
        Shapes.notNegative("slidingWindow", slidingWindow);
        for (int row = 0; row < sequences.length; row++) {
            if (sequences[row] < 0 || sequences[row] >= blockTables.length) {
                throw new IllegalArgumentException(
                        "row " + row + " names sequence " + sequences[row] + " of " + blockTables.length);
            }
            Shapes.notNegative("position of row " + row, positions[row]);
        }
    }

    /// Number of rows.
    public int rows() {
        return positions.length;
    }

    /// First position that `row` attends to.
    int firstPosition(int row) {
        return slidingWindow == 0 ? 0 : Math.max(0, positions[row] - slidingWindow + 1);
    }
}
