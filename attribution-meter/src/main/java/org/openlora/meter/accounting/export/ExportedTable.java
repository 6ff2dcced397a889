package org.openlora.meter.accounting.export;

import java.math.BigInteger;
import java.nio.file.Path;
import org.openlora.meter.evm.Bytes32;

/// A table that was written.
///
/// @param receipts that have a line in it
/// @param netPico sum of its lines, credits taken off
/// @param contentHash SHA-256 of the lines as JSON lines: the same in every format
/// @param fileHash SHA-256 of the file
public record ExportedTable(
        String name, Path file, long lines, long receipts, BigInteger netPico, Bytes32 contentHash, Bytes32 fileHash) {}
