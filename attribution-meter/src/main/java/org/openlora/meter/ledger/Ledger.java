package org.openlora.meter.ledger;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.database.LedgerException.Reason;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.meter.trace.TraceStore;
import org.openlora.meter.usage.TokenIds;
import org.openlora.meter.usage.TraceOrder;
import org.openlora.meter.usage.UsageCodec;
import org.openlora.meter.usage.UsageRow;

/// The durable record of one replica. Every method that writes returns only when its transaction has reached the
/// disk; a crash at any point leaves each step done or not begun. One process at a time. Safe for use by many
/// threads.
public final class Ledger implements AutoCloseable {
    private final Database.Claim claim;
    private final Database database;
    private final LedgerIdentity identity;
    private final LedgerStep.Observer observer;
    private final LedgerQueries queries;
    private final BatchSealer sealer;

    private Ledger(
            Database database,
            Database.Claim claim,
            Path folder,
            LedgerIdentity identity,
            LedgerStep.Observer observer) {
        this.claim = claim;
        this.database = database;
        this.identity = identity;
        this.observer = observer;
        this.queries = new LedgerQueries(database, identity.stream());
        this.sealer = new BatchSealer(database, queries, folder, identity, observer);
    }

    /// Opens the ledger in a folder, creating both where they are not.
    ///
    /// @throws LedgerException where another process has it open or its files cannot be used
    public static Ledger open(Path folder, LedgerIdentity identity) {
        return open(LedgerLocation.of(folder), identity, step -> {});
    }

    /// Opens the ledger of this identity's stream.
    ///
    /// @param observer is told of its durable steps
    /// @throws LedgerException where another process has the stream open or the ledger cannot be used
    public static Ledger open(LedgerLocation location, LedgerIdentity identity, LedgerStep.Observer observer) {
        try {
            Files.createDirectories(location.folder());
        } catch (IOException e) {
            throw new LedgerException(
                    Reason.OTHER, "cannot use the ledger folder " + location.folder() + ": " + e.getMessage(), e);
        }
        Database database = Database.open(location.database());
        try {
            Database.Claim claim = database.claim(
                    identity.stream(), "stream " + identity.stream() + " of the ledger " + location.database());
            return new Ledger(database, claim, location.folder(), identity, observer);
        } catch (RuntimeException e) {
            database.close();
            throw e;
        }
    }

    /// Makes usage rows durable in one transaction. A row that is there already gets its first acknowledgement;
    /// one with the same source and request id but another content is refused and audited.
    ///
    /// @return one outcome per row, in the same order
    public List<CommitOutcome> commitUsage(List<PendingUsage> rows, long nowMillis) {
        return database.write(
                connection -> {
                    List<CommitOutcome> outcomes = new ArrayList<>(rows.size());
                    for (PendingUsage row : rows) {
                        outcomes.add(commitUsage(connection, row, nowMillis));
                    }
                    observer.reached(LedgerStep.USAGE_BEFORE_COMMIT);
                    return outcomes;
                },
                () -> observer.reached(LedgerStep.USAGE_COMMITTED));
    }

    private static CommitOutcome commitUsage(Connection connection, PendingUsage pending, long nowMillis)
            throws SQLException {
        UsageRow row = pending.row();
        int inserted = Database.update(
                connection,
                "INSERT INTO usage (source, request_id, body_hash, body, include_by, acknowledgement, prompt_ids,"
                        + " output_ids) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, request_id) DO NOTHING",
                row.source(),
                row.requestId(),
                pending.bodyHash(),
                pending.body(),
                pending.acknowledgement().acknowledgement().includeBy(),
                pending.acknowledgement().toJson(),
                row.prompt().bytes(),
                row.output().bytes());
        if (inserted == 1) {
            TraceOrder trace = pending.trace();
            if (trace != null) {
                TraceStore.order(connection, row, trace);
            }
            return new CommitOutcome.Durable(pending.acknowledgement());
        }
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
        audit(connection, nowMillis, "usage-conflict", row.source(), row.requestId(), message);
        return new CommitOutcome.Conflict(message);
    }

    private static void audit(
            Connection connection, long nowMillis, String kind, String source, Bytes32 requestId, String detail)
            throws SQLException {
        Database.update(
                connection,
                "INSERT INTO audit (at, kind, source, request_id, detail) VALUES (?, ?, ?, ?, ?)",
                nowMillis,
                kind,
                source,
                requestId,
                detail);
    }

    /// The oldest rows that wait for scoring.
    public List<StoredUsage> waitingUsage(int most) {
        return database.query(
                "SELECT id, body, prompt_ids, output_ids, include_by FROM usage WHERE state = 0 ORDER BY id LIMIT ?",
                row -> new StoredUsage(
                        row.getLong("id"),
                        UsageCodec.fromJson(
                                row.getString("body"),
                                TokenIds.ofBytes(row.getBytes("prompt_ids")),
                                TokenIds.ofBytes(row.getBytes("output_ids"))),
                        row.getLong("include_by")),
                most);
    }

    /// How many rows up to this id wait for scoring.
    public long waitingCount(long upToId) {
        return database.query(
                        "SELECT count(*) AS n FROM usage WHERE state = 0 AND id <= ?", row -> row.getLong("n"), upToId)
                .getFirst();
    }

    /// The greatest id of a usage row; 0 for none.
    public long lastUsageId() {
        return database.query("SELECT coalesce(max(id), 0) AS id FROM usage", row -> row.getLong("id"))
                .getFirst();
    }

    /// Turns scored rows into receipts at the end of the stream, in one transaction: sequence number, link to the
    /// receipt before, signature, payments, and the token ids dropped. Rows that could not be scored are set
    /// aside.
    public void recordScored(List<ScoredUsage> rows) {
        database.write(
                connection -> {
                    ReceiptAppender appender = ReceiptAppender.at(connection, identity);
                    for (ScoredUsage row : rows) {
                        switch (row) {
                            case ScoredUsage.Priced priced -> appender.append(priced);
                            case ScoredUsage.Quarantined set -> setAside(connection, set);
                        }
                    }
                    observer.reached(LedgerStep.RECEIPTS_BEFORE_COMMIT);
                    return rows.size();
                },
                () -> observer.reached(LedgerStep.RECEIPTS_COMMITTED));
    }

    private static void setAside(Connection connection, ScoredUsage.Quarantined row) throws SQLException {
        Database.update(
                connection,
                "UPDATE usage SET state = 2, reason = ? WHERE id = ? AND state = 0",
                row.reason(),
                row.usage().id());
    }

    /// Lets quarantined rows be scored again, once whatever kept them from it is mended.
    ///
    /// @return how many
    public int releaseQuarantined(long nowMillis) {
        return database.write(connection -> {
            for (QuarantinedUsage row : LedgerQueries.quarantined(connection)) {
                audit(connection, nowMillis, "quarantine-released", row.source(), row.requestId(), row.reason());
            }
            return Database.update(connection, "UPDATE usage SET state = 0, reason = NULL WHERE state = 2");
        });
    }

    /// Keeps a document that usage rows name by digest.
    public void keepDocument(Bytes32 digest, String kind, String json) {
        database.write(connection -> Database.update(
                connection,
                "INSERT INTO document (digest, kind, json) VALUES (?, ?, ?) ON CONFLICT (digest) DO NOTHING",
                digest,
                kind,
                json));
    }

    /// A document that was kept.
    public Optional<String> document(Bytes32 digest, String kind) {
        return database
                .query(
                        "SELECT json FROM document WHERE digest = ? AND kind = ?",
                        row -> row.getString("json"),
                        digest,
                        kind)
                .stream()
                .findFirst();
    }

    /// The place of a datanet in the order of registration; it gets the next one when it is new.
    public long datanetOrdinal(Bytes32 digest) {
        return database.write(connection -> {
            Database.update(
                    connection, "INSERT INTO datanet (digest) VALUES (?) ON CONFLICT (digest) DO NOTHING", digest);
            return Database.query(
                            connection,
                            "SELECT ordinal FROM datanet WHERE digest = ?",
                            row -> row.getLong("ordinal"),
                            digest)
                    .getFirst();
        });
    }

    /// Seals all receipts that stand in no batch into the next one.
    ///
    /// @return empty where there are none
    public Optional<SealedBatch> seal(long nowMillis) {
        return sealer.seal(nowMillis);
    }

    /// A sealed batch.
    public Optional<SealedBatch> batch(long number) {
        return sealer.batch(number);
    }

    /// Where it all is kept: for what has tables of its own beside the ledger's.
    public Database database() {
        return database;
    }

    /// What is in the ledger.
    public LedgerQueries queries() {
        return queries;
    }

    /// The flusher's memory for this stream.
    public LedgerJournal journal() {
        return new LedgerJournal(database, identity.stream());
    }

    @Override
    public void close() {
        try {
            database.close();
        } finally {
            claim.close();
        }
    }

    /// Adds receipts to the end of a stream within one transaction.
    private static final class ReceiptAppender {
        private final Connection connection;
        private final LedgerIdentity identity;
        private long lastSeq;
        private Bytes32 lastHash;

        private ReceiptAppender(Connection connection, LedgerIdentity identity, long lastSeq, Bytes32 lastHash) {
            this.connection = connection;
            this.identity = identity;
            this.lastSeq = lastSeq;
            this.lastHash = lastHash;
        }

        static ReceiptAppender at(Connection connection, LedgerIdentity identity) throws SQLException {
            return Database.query(
                            connection,
                            "SELECT seq, struct_hash FROM receipt WHERE stream = ? ORDER BY seq DESC LIMIT 1",
                            row -> new ReceiptAppender(
                                    connection, identity, row.getLong("seq"), Database.word(row, "struct_hash")),
                            identity.stream())
                    .stream()
                    .findFirst()
                    .orElse(new ReceiptAppender(connection, identity, 0, Bytes32.ZERO));
        }

        void append(ScoredUsage.Priced priced) throws SQLException {
            long usageId = priced.usage().id();
            int claimed = Database.update(
                    connection,
                    "UPDATE usage SET state = 1, prompt_ids = NULL, output_ids = NULL WHERE id = ? AND state = 0",
                    usageId);
            if (claimed == 0) {
                return; // it has its receipt already
            }
            AttributionRecord attribution = priced.attribution();
            byte[] attributionBytes = attribution.bytes();
            SignedReceipt signed = SignedReceipt.sign(
                    UsageReceipts.receipt(
                            priced, Sha256.hash(attributionBytes), identity.stream(), lastSeq + 1, lastHash),
                    identity.domain(),
                    identity.signer());
            TraceStore.keep(connection, priced.usage().row());
            lastSeq++;
            lastHash = ReceiptCodec.structHash(signed.receipt());
            Database.update(
                    connection,
                    "INSERT INTO receipt (stream, seq, struct_hash, request_id, usage_id, signed, attribution)"
                            + " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    identity.stream(),
                    lastSeq,
                    lastHash,
                    signed.receipt().requestId(),
                    usageId,
                    signed.toJson(),
                    attributionBytes);
            for (Payment payment : signed.receipt().payments()) {
                insert(payment);
            }
        }

        private void insert(Payment payment) throws SQLException {
            Address payee = payment.payee();
            Database.update(
                    connection,
                    "INSERT INTO payment (stream, seq, role, source, payee, amount) VALUES (?, ?, ?, ?, ?, ?)",
                    identity.stream(),
                    lastSeq,
                    payment.role().code(),
                    payment.source(),
                    payee,
                    payment.amount());
        }
    }
}
