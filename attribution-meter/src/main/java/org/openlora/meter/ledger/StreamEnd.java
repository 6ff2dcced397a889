package org.openlora.meter.ledger;

import java.sql.Connection;
import java.sql.SQLException;
import org.openlora.meter.database.Database;
import org.openlora.meter.evm.Bytes32;

/// The last receipt of a stream.
///
/// @param seq 0 where there is none
/// @param hash its struct hash, zero where there is none
record StreamEnd(long seq, Bytes32 hash) {
    private static final StreamEnd EMPTY = new StreamEnd(0, Bytes32.ZERO);

    static StreamEnd of(Connection connection, Bytes32 stream) throws SQLException {
        return Database.query(
                        connection,
                        "SELECT seq, struct_hash FROM receipt WHERE stream = ? ORDER BY seq DESC LIMIT 1",
                        row -> new StreamEnd(row.getLong("seq"), Database.word(row, "struct_hash")),
                        stream)
                .stream()
                .findFirst()
                .orElse(EMPTY);
    }
}
