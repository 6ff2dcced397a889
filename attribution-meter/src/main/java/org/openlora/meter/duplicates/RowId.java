package org.openlora.meter.duplicates;

import org.openlora.meter.evm.Bytes32;

/// A row of a datanet.
///
/// @param datanet the datanet's digest
/// @param row from 0, in file order
public record RowId(Bytes32 datanet, int row) {}
