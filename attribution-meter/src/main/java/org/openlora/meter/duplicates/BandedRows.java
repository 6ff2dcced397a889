package org.openlora.meter.duplicates;

import org.openlora.meter.evm.Bytes32;

/// The rows of a datanet as near-duplicates are looked for among them.
public interface BandedRows {
    /// The datanet's digest.
    Bytes32 datanet();

    /// How many rows there are.
    int size();

    /// A row's text.
    String text(int row);

    /// The key of one of a row's bands.
    ///
    /// @param band below [NearDuplicates#BANDS]
    int band(int row, int band);
}
