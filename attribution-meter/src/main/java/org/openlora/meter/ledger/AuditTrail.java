package org.openlora.meter.ledger;

import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.database.LedgerException.Reason;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;

/// The log of what was done by hand or refused, as a chain of hashes over all streams of a ledger:
/// `hash(n) = SHA-256(lp("openlora/audit/v1") ‖ hash(n-1) ‖ u64 at ‖ subject ‖ lp of each text)`, `hash(0)` zero, texts
/// in the order kind, actor, source, detail, before, after. The end of the chain stands in a row of its own.
public final class AuditTrail {
    private static final String COLUMNS =
            "id, at, kind, actor, source, request_id, detail, before_state, after_state, hash";

    private AuditTrail() {}

    /// Adds an event within a transaction, so that it is there exactly if what it tells of is.
    public static void append(Connection connection, AuditEvent event) throws SQLException {
        Bytes32 hash = hash(lockEnd(connection), event);
        Database.update(
                connection,
                "INSERT INTO audit (at, kind, actor, source, request_id, detail, before_state, after_state, hash)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                event.atMillis(),
                event.kind(),
                event.actor(),
                event.source(),
                event.subject(),
                event.detail(),
                event.before(),
                event.after(),
                hash);
        moveEnd(connection, hash);
    }

    /// Locks the chain's end for this transaction.
    ///
    /// @return the hash of the last entry
    private static Bytes32 lockEnd(Connection connection) throws SQLException {
        Database.update(connection, "UPDATE audit_end SET entries = entries + 1");
        return Database.query(connection, "SELECT hash FROM audit_end", row -> Database.word(row, "hash"))
                .getFirst();
    }

    private static void moveEnd(Connection connection, Bytes32 hash) throws SQLException {
        Database.update(connection, "UPDATE audit_end SET hash = ?", hash);
    }

    /// Chains entries that were written before entries were chained.
    static void chainOldEntries(Connection connection) throws SQLException {
        record Unchained(long id, AuditEvent event) {}
        for (Unchained entry : Database.query(
                connection,
                "SELECT " + COLUMNS + " FROM audit WHERE hash IS NULL ORDER BY id",
                row -> new Unchained(row.getLong("id"), event(row)))) {
            Bytes32 hash = hash(lockEnd(connection), entry.event());
            Database.update(connection, "UPDATE audit SET hash = ? WHERE id = ?", hash, entry.id());
            moveEnd(connection, hash);
        }
    }

    static List<AuditEntry> entries(Connection connection) throws SQLException {
        return Database.query(
                connection,
                "SELECT " + COLUMNS + " FROM audit WHERE hash IS NOT NULL ORDER BY id",
                row -> new AuditEntry(row.getLong("id"), event(row), Database.word(row, "hash")));
    }

    /// Checks the chain from its beginning to its end.
    ///
    /// @return how many entries there are
    /// @throws LedgerException naming the first entry that is wrong
    public static long verify(Connection connection) throws SQLException {
        Bytes32 last = Bytes32.ZERO;
        long count = 0;
        for (AuditEntry entry : entries(connection)) {
            last = hash(last, entry.event());
            count++;
            if (!last.equals(entry.hash())) {
                throw new LedgerException(
                        Reason.DAMAGED,
                        "audit entry " + entry.id() + " is not what was written, or one before it is missing");
            }
        }
        record End(long entries, Bytes32 hash) {}
        End end = Database.query(
                        connection,
                        "SELECT entries, hash FROM audit_end",
                        row -> new End(row.getLong("entries"), Database.word(row, "hash")))
                .getFirst();
        if (!end.equals(new End(count, last))) {
            throw new LedgerException(
                    Reason.DAMAGED,
                    "the audit trail has " + count + " entries and ends with " + last + ", not " + end.entries()
                            + " ending with " + end.hash());
        }
        return count;
    }

    private static AuditEvent event(ResultSet row) throws SQLException {
        return new AuditEvent(
                row.getLong("at"),
                row.getString("kind"),
                row.getString("actor"),
                row.getString("source"),
                Database.word(row, "request_id"),
                row.getString("detail"),
                row.getString("before_state"),
                row.getString("after_state"));
    }

    static Bytes32 hash(Bytes32 previous, AuditEvent event) {
        Sha256 hash = Sha256.domain("openlora/audit/v1")
                .word(previous)
                .u64(event.atMillis())
                .word(event.subject());
        for (String text :
                List.of(event.kind(), event.actor(), event.source(), event.detail(), event.before(), event.after())) {
            hash.prefixed(text.getBytes(StandardCharsets.UTF_8));
        }
        return hash.digest();
    }
}
