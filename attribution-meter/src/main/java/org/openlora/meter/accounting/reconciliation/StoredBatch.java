package org.openlora.meter.accounting.reconciliation;

import java.sql.ResultSet;
import java.sql.SQLException;
import org.openlora.meter.database.Database;
import org.openlora.meter.evm.Bytes32;

/// A batch's row as it stands.
record StoredBatch(
        Bytes32 stream,
        long number,
        Bytes32 operatorId,
        long firstSeq,
        long lastSeq,
        Bytes32 root,
        Bytes32 dataHash,
        String dataUri,
        Bytes32 head,
        long sealedAtMillis) {
    static final String SQL =
            "SELECT stream, number, operator_id, first_seq, last_seq, root, data_hash, data_uri, head,"
                    + " sealed_at FROM batch WHERE stream = ? ORDER BY number";

    static StoredBatch read(ResultSet row) throws SQLException {
        return new StoredBatch(
                Database.word(row, "stream"),
                row.getLong("number"),
                Database.word(row, "operator_id"),
                row.getLong("first_seq"),
                row.getLong("last_seq"),
                Database.word(row, "root"),
                Database.word(row, "data_hash"),
                row.getString("data_uri"),
                Database.word(row, "head"),
                row.getLong("sealed_at"));
    }
}
