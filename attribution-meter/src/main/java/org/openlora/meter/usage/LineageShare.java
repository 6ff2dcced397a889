package org.openlora.meter.usage;

import org.openlora.meter.evm.Bytes32;

/// A datanet's part of an adapter's training mix, as its manifest declares it.
///
/// @param basisPoints of the mix; those of one adapter sum to 10,000
public record LineageShare(Bytes32 datanet, int basisPoints) {
    /// Basis points in the whole.
    public static final int WHOLE_BPS = 10_000;

    public LineageShare {
        if (basisPoints < 1 || basisPoints > WHOLE_BPS) {
            throw new IllegalArgumentException(
                    "lineage of datanet " + datanet + " must have 1 to 10000 basis points, not " + basisPoints);
        }
    }
}
