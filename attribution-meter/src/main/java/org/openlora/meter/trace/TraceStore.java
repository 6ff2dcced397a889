package org.openlora.meter.trace;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import org.openlora.meter.database.Database;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.usage.TokenIds;
import org.openlora.meter.usage.TraceOrder;
import org.openlora.meter.usage.UsageRow;

/// Token ids that outlive the scoring of their request, because its tenant asked for it: written within the ledger's
/// own
/// transactions, so that a crash leaves neither a trace without its receipt nor a receipt without its trace.
///
/// Erasing takes the ids and how the answer was drawn. The receipt stays whole: of the text it holds salted hashes
/// alone,
/// as every receipt does. Safe for use by many threads.
public final class TraceStore {
    private static final String ERASE = "UPDATE trace SET replay = NULL, prompt_ids = NULL, output_ids = NULL,"
            + " erased_at = ? WHERE erased_at IS NULL AND ";

    private final Database database;

    public TraceStore(Database database) {
        this.database = database;
    }

    /// Within the transaction that commits a usage row: the request's tokens are to be kept.
    public static void order(Connection connection, UsageRow row, TraceOrder order) throws SQLException {
        Database.update(
                connection,
                "INSERT INTO trace (source, request_id, account, keep_until, replay) VALUES (?, ?, ?, ?, ?)",
                row.source(),
                row.requestId(),
                row.account(),
                order.keepUntilMillis(),
                order.replay());
    }

    /// Within the transaction that makes a usage row's receipt: keeps its tokens where that was ordered and is still
    /// wanted.
    public static void keep(Connection connection, UsageRow row) throws SQLException {
        Database.update(
                connection,
                "UPDATE trace SET prompt_ids = ?, output_ids = ? WHERE source = ? AND request_id = ?"
                        + " AND erased_at IS NULL",
                row.prompt().bytes(),
                row.output().bytes(),
                row.source(),
                row.requestId());
    }

    /// What is kept of a request; empty where nothing is, or its receipt is not written yet.
    public Optional<Trace> find(Bytes32 requestId) {
        return database
                .query(
                        "SELECT source, request_id, prompt_ids, output_ids, replay, keep_until FROM trace"
                                + " WHERE request_id = ? AND prompt_ids IS NOT NULL",
                        row -> new Trace(
                                row.getString("source"),
                                Database.word(row, "request_id"),
                                TokenIds.ofBytes(row.getBytes("prompt_ids")),
                                TokenIds.ofBytes(row.getBytes("output_ids")),
                                row.getString("replay"),
                                row.getLong("keep_until")),
                        requestId)
                .stream()
                .findFirst();
    }

    public TraceCounts counts() {
        return database.query(
                        "SELECT count(prompt_ids) AS kept, count(replay) AS ordered, count(erased_at) AS erased FROM trace",
                        row -> new TraceCounts(
                                row.getLong("kept"),
                                row.getLong("ordered") - row.getLong("kept"),
                                row.getLong("erased")))
                .getFirst();
    }

    /// Erases what was to be kept until now or earlier.
    ///
    /// @return how many traces
    public int eraseExpired(long nowMillis) {
        return database.write(
                connection -> Database.update(connection, ERASE + "keep_until <= ?", nowMillis, nowMillis));
    }

    /// Erases all of an account's traces, also those whose receipts are not written yet.
    ///
    /// @return how many traces
    public int eraseAccount(Bytes32 account, long nowMillis) {
        return database.write(connection -> Database.update(connection, ERASE + "account = ?", nowMillis, account));
    }

    /// Erases the trace of a request.
    ///
    /// @return whether there was one
    public boolean eraseRequest(Bytes32 requestId, long nowMillis) {
        return database.write(connection -> Database.update(connection, ERASE + "request_id = ?", nowMillis, requestId))
                > 0;
    }
}
