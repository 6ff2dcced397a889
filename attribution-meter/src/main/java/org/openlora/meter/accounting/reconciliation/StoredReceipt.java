package org.openlora.meter.accounting.reconciliation;

import java.sql.ResultSet;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.database.Database;
import org.openlora.meter.evm.Bytes32;

/// A receipt's row as it stands, nothing of it believed.
///
/// @param usageBody the usage row that it bills, as canonical JSON; null where there is none
/// @param acknowledgement what was promised for that usage; null where there is none
@SuppressWarnings("ArrayRecordComponent") // a row on its way, never compared
record StoredReceipt(
        Bytes32 stream,
        long seq,
        Bytes32 structHash,
        Bytes32 requestId,
        byte[] signed,
        byte[] attribution,
        int kind,
        @Nullable Bytes32 ref,
        long servedTo,
        @Nullable Long batch,
        @Nullable String usageBody,
        byte @Nullable [] acknowledgement) {
    static final String SQL = "SELECT r.stream, r.seq, r.struct_hash, r.request_id, r.signed, r.attribution, r.kind,"
            + " r.ref, r.served_to, r.batch,"
            + " u.body, u.acknowledgement FROM receipt r LEFT JOIN usage u ON u.id = r.usage_id"
            + " WHERE r.stream = ? AND r.seq BETWEEN ? AND ? ORDER BY r.seq";

    static StoredReceipt read(ResultSet row) throws SQLException {
        long batch = row.getLong("batch");
        Long sealed = row.wasNull() ? null : batch;
        byte[] ref = row.getBytes("ref");
        return new StoredReceipt(
                Database.word(row, "stream"),
                row.getLong("seq"),
                Database.word(row, "struct_hash"),
                Database.word(row, "request_id"),
                row.getBytes("signed"),
                row.getBytes("attribution"),
                row.getInt("kind"),
                ref == null ? null : Bytes32.of(ref),
                row.getLong("served_to"),
                sealed,
                row.getString("body"),
                row.getBytes("acknowledgement"));
    }
}
