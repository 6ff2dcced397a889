package org.openlora.meter.ledger;

import java.io.IOException;
import java.nio.file.Files;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.database.LedgerException.Reason;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.openlora.meter.trace.TraceStore;
import org.openlora.meter.usage.TokenIds;
import org.openlora.meter.usage.TraceOrder;
import org.openlora.meter.usage.UsageCodec;
import org.openlora.meter.usage.UsageRow;

/// The durable record of one replica, as its owner has it. Every method that writes returns only when its transaction
/// has reached the disk; a crash at any point leaves each step done or not begun. A stream has one owner at a time;
/// on PostgreSQL several replicas, each with a stream of its own, share a ledger.
public final class Ledger extends AttachedLedger {
    private final Database.Claim claim;
    private final StreamOwnership ownership;
    private final LedgerStep.Observer observer;
    private final UsageRecorder recorder;

    private Ledger(
            Database database,
            Database.Claim claim,
            StreamOwnership ownership,
            LedgerLocation location,
            LedgerIdentity identity,
            LedgerStep.Observer observer,
            ReceiptListener listener) {
        super(database, location, identity, ownership::lock, observer);
        this.claim = claim;
        this.ownership = ownership;
        this.observer = observer;
        this.recorder = new UsageRecorder(database, identity, ownership, observer, listener);
    }

    /// Opens the ledger of this identity's stream, creating folder and tables where they are not.
    ///
    /// @throws LedgerException where another process has the stream open or the ledger cannot be used
    public static Ledger open(LedgerLocation location, LedgerIdentity identity) {
        return open(location, identity, step -> {}, ReceiptListener.NONE);
    }

    /// Opens the ledger of this identity's stream.
    ///
    /// @param observer is told of its durable steps
    /// @param listener writes beside each receipt
    /// @throws LedgerException where another process has the stream open or the ledger cannot be used
    public static Ledger open(
            LedgerLocation location, LedgerIdentity identity, LedgerStep.Observer observer, ReceiptListener listener) {
        Database database = openDatabase(location);
        try {
            Database.Claim claim = database.claim(
                    identity.stream(), "stream " + identity.stream() + " of the ledger " + location.database());
            return new Ledger(
                    database,
                    claim,
                    database.write(connection -> own(connection, identity.stream())),
                    location,
                    identity,
                    observer,
                    listener);
        } catch (RuntimeException e) {
            database.close();
            throw e;
        }
    }

    /// Opens the ledger beside whoever owns the stream: for commands, while a server runs or not.
    ///
    /// @throws LedgerException where the ledger cannot be used
    public static AttachedLedger attach(LedgerLocation location, LedgerIdentity identity) {
        return new AttachedLedger(
                openDatabase(location), location, identity, BatchSealer.Guard.NOT_THE_OWNER, step -> {});
    }

    private static Database openDatabase(LedgerLocation location) {
        try {
            Files.createDirectories(location.folder());
        } catch (IOException e) {
            throw new LedgerException(
                    Reason.OTHER, "cannot use the ledger folder " + location.folder() + ": " + e.getMessage(), e);
        }
        return Database.open(location.database());
    }

    /// Makes the stream this opening's, and brings rows of a ledger from before there were several streams in order.
    private static StreamOwnership own(Connection connection, Bytes32 stream) throws SQLException {
        Database.update(connection, "UPDATE usage SET stream = ? WHERE stream IS NULL", stream);
        AuditTrail.chainOldEntries(connection);
        return StreamOwnership.take(connection, stream);
    }

    /// Makes usage rows durable in one transaction. A row that is there already gets its first acknowledgement;
    /// one with the same source and request id but another content is refused and audited.
    ///
    /// @return one outcome per row, in the same order
    public List<CommitOutcome> commitUsage(List<PendingUsage> rows, long nowMillis) {
        return database()
                .write(
                        connection -> {
                            ownership.lock(connection);
                            int[] inserted = insert(connection, rows);
                            List<CommitOutcome> outcomes = new ArrayList<>(rows.size());
                            for (int i = 0; i < inserted.length; i++) {
                                PendingUsage row = rows.get(i);
                                TraceOrder trace = row.trace();
                                if (inserted[i] == 1 && trace != null) {
                                    TraceStore.order(connection, row.row(), trace);
                                }
                                outcomes.add(
                                        inserted[i] == 1
                                                ? new CommitOutcome.Durable(row.acknowledgement())
                                                : present(connection, row, nowMillis));
                            }
                            observer.reached(LedgerStep.USAGE_BEFORE_COMMIT);
                            return outcomes;
                        },
                        () -> observer.reached(LedgerStep.USAGE_COMMITTED));
    }

    /// @return 1 for each row that was not there
    private int[] insert(Connection connection, List<PendingUsage> rows) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(
                "INSERT INTO usage (stream, source, request_id, body_hash, body, include_by, acknowledgement,"
                        + " prompt_ids, output_ids) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
                        + " ON CONFLICT (source, request_id) DO NOTHING")) {
            int[] inserted = new int[rows.size()];
            for (int i = 0; i < inserted.length; i++) {
                PendingUsage pending = rows.get(i);
                UsageRow row = pending.row();
                Database.bind(
                        statement,
                        identity().stream(),
                        row.source(),
                        row.requestId(),
                        pending.bodyHash(),
                        pending.body(),
                        pending.acknowledgement().acknowledgement().includeBy(),
                        pending.acknowledgementJson(),
                        row.prompt().bytes(),
                        row.output().bytes());
                inserted[i] = statement.executeUpdate();
            }
            return inserted;
        }
    }

    private static CommitOutcome present(Connection connection, PendingUsage pending, long nowMillis)
            throws SQLException {
        UsageRow row = pending.row();
        record Present(Bytes32 bodyHash, SignedAcknowledgement acknowledgement) {}
        Present present = Database.query(
                        connection,
                        "SELECT body_hash, acknowledgement FROM usage WHERE source = ? AND request_id = ?",
                        result -> new Present(
                                Database.word(result, "body_hash"),
                                SignedAcknowledgement.fromJson(result.getBytes("acknowledgement"))),
                        row.source(),
                        row.requestId())
                .getFirst();
        if (present.bodyHash().equals(pending.bodyHash())) {
            return new CommitOutcome.Durable(present.acknowledgement());
        }
        String message = "request " + row.requestId() + " of source '" + row.source()
                + "' was committed before with another content: " + present.bodyHash() + ", now " + pending.bodyHash();
        AuditTrail.append(
                connection,
                new AuditEvent(
                        nowMillis,
                        "usage-conflict",
                        AuditEvent.SYSTEM,
                        row.source(),
                        row.requestId(),
                        message,
                        present.bodyHash().toString(),
                        pending.bodyHash().toString()));
        return new CommitOutcome.Conflict(message);
    }

    /// Takes out rows that a failed commit may have left, and records the outage that this write ends.
    ///
    /// @param doubtful rows that nobody was given an acknowledgement of
    /// @param sinceMillis the first write that failed
    /// @param reason why, one line
    /// @return how many rows had been left
    public int resume(List<DoubtfulUsage> doubtful, long sinceMillis, String reason, long nowMillis) {
        return database().write(connection -> {
            ownership.lock(connection);
            int left = 0;
            for (DoubtfulUsage row : doubtful) {
                int deleted = Database.update(
                        connection,
                        "DELETE FROM usage WHERE source = ? AND request_id = ? AND id > ? AND state = 0",
                        row.source(),
                        row.requestId(),
                        row.lastIdBefore());
                if (deleted > 0) {
                    AuditTrail.append(
                            connection,
                            AuditEvent.ofSystem(nowMillis, "usage-undone", row.source(), row.requestId(), reason));
                }
                left += deleted;
            }
            String outage = "not writable from " + sinceMillis + " to " + nowMillis + ": " + reason;
            AuditTrail.append(
                    connection, AuditEvent.ofSystem(nowMillis, "ledger-resumed", "", identity().stream(), outage));
            observer.reached(LedgerStep.USAGE_BEFORE_COMMIT);
            return left;
        });
    }

    /// The oldest rows that wait for scoring.
    public List<StoredUsage> waitingUsage(int most) {
        return database()
                .query(
                        "SELECT id, body, prompt_ids, output_ids, include_by FROM usage WHERE state = 0 AND stream = ?"
                                + " ORDER BY id LIMIT ?",
                        row -> new StoredUsage(
                                row.getLong("id"),
                                UsageCodec.fromJson(
                                        row.getString("body"),
                                        TokenIds.ofBytes(row.getBytes("prompt_ids")),
                                        TokenIds.ofBytes(row.getBytes("output_ids"))),
                                row.getLong("include_by")),
                        identity().stream(),
                        most);
    }

    /// How many rows up to this id wait for scoring.
    public long waitingCount(long upToId) {
        return database()
                .query(
                        "SELECT count(*) AS n FROM usage WHERE state = 0 AND stream = ? AND id <= ?",
                        row -> row.getLong("n"),
                        identity().stream(),
                        upToId)
                .getFirst();
    }

    /// The greatest id of a usage row; 0 for none.
    public long lastUsageId() {
        return database()
                .query("SELECT coalesce(max(id), 0) AS id FROM usage", row -> row.getLong("id"))
                .getFirst();
    }

    /// Turns scored rows into receipts at the end of the stream, in one transaction: sequence number, link to the
    /// receipt before, signature, payments, and the token ids dropped. Rows that could not be scored are set
    /// aside. Rows that have their receipts already are left alone. Called by one thread at a time.
    public void recordScored(List<ScoredUsage> rows, long nowMillis) {
        recorder.record(rows, nowMillis);
    }

    /// Lets quarantined rows be scored again, once whatever kept them from it is mended.
    ///
    /// @return how many
    public int releaseQuarantined(String actor, long nowMillis) {
        return database().write(connection -> {
            ownership.lock(connection);
            for (QuarantinedUsage row : LedgerQueries.quarantined(connection, identity().stream())) {
                AuditTrail.append(
                        connection,
                        new AuditEvent(
                                nowMillis,
                                "quarantine-released",
                                actor,
                                row.source(),
                                row.requestId(),
                                row.reason(),
                                "quarantined",
                                "waiting"));
            }
            return Database.update(
                    connection,
                    "UPDATE usage SET state = 0, reason = NULL WHERE state = 2 AND stream = ?",
                    identity().stream());
        });
    }

    /// Seals all receipts that stand in no batch into the next one.
    ///
    /// @return empty where there are none
    public Optional<SealedBatch> seal(long nowMillis) {
        return sealer().seal(nowMillis);
    }

    /// Gives the stream back.
    @Override
    public void close() {
        try {
            claim.close();
        } finally {
            super.close();
        }
    }
}
