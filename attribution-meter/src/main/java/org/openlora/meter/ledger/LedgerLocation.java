package org.openlora.meter.ledger;

import java.nio.file.Path;
import org.openlora.meter.database.DatabaseLocation;

/// Where a ledger is.
///
/// @param folder of the batch files; created where it is not
/// @param database of everything else
public record LedgerLocation(Path folder, DatabaseLocation database) {
    /// A ledger that is nothing but a folder, with SQLite in it.
    public static LedgerLocation of(Path folder) {
        return new LedgerLocation(folder, new DatabaseLocation.SqliteFile(folder.resolve("ledger.db")));
    }
}
