package org.openlora.meter.evidence;

import java.util.List;
import org.openlora.meter.evm.Bytes32;

/// A first guess while an answer grows: the longest piece that ends with its newest token and stands verbatim in the
/// lineage. The receipt's attribution looks at the whole answer and may say otherwise.
///
/// @param start first output token of the piece
/// @param length tokens of the piece, the newest among them
/// @param rarity information content in units of 2⁻¹⁶ bit
/// @param sourceCount how many rows hold it, copies counted once
/// @param origins the first of them, up to the occurrence cap
public record ProvisionalSpan(int start, int length, long rarity, int sourceCount, List<Origin> origins) {
    private static final double UNITS_PER_BIT = 1 << 16;

    /// A row that holds the piece.
    ///
    /// @param datanet digest
    /// @param contributor salted hash of its writer
    /// @param row its place in the datanet
    public record Origin(Bytes32 datanet, Bytes32 contributor, int row) {}

    public ProvisionalSpan {
        origins = List.copyOf(origins);
    }

    public double rarityBits() {
        return rarity / UNITS_PER_BIT;
    }
}
