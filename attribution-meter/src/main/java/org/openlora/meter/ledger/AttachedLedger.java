package org.openlora.meter.ledger;

import java.time.Duration;
import java.util.Optional;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.SignedReceipt;

/// An open ledger, as a command has it beside the server that owns its stream: it reads, appends corrections, logs what
/// was done by hand and keeps documents. What only the owner does is in [Ledger]. Safe for use by many threads.
public sealed class AttachedLedger implements AutoCloseable permits Ledger {
    private final Database database;
    private final LedgerIdentity identity;
    private final LedgerQueries queries;
    private final Corrections corrections;
    private final BatchSealer sealer;

    AttachedLedger(
            Database database, LedgerLocation location, LedgerIdentity identity, BatchSealer.Guard guard, LedgerStep.Observer observer) {
        this.database = database;
        this.identity = identity;
        this.queries = new LedgerQueries(database, identity.stream());
        this.corrections = new Corrections(database, identity);
        this.sealer = new BatchSealer(database, queries, location.folder(), identity, guard, observer);
    }

    /// The database, for tables of other packages.
    public final Database database() {
        return database;
    }

    /// Whose ledger this is.
    public final LedgerIdentity identity() {
        return identity;
    }

    /// What is in the ledger.
    public final LedgerQueries queries() {
        return queries;
    }

    /// A sealed batch.
    public final Optional<SealedBatch> batch(long number) {
        return sealer.batch(number);
    }

    /// The flusher's memory for this stream.
    public final LedgerJournal journal() {
        return new LedgerJournal(database, identity.stream());
    }

    final BatchSealer sealer() {
        return sealer;
    }

    /// Appends a credit or debit to the stream, signed and linked as every receipt, and says so in the audit trail. The
    /// same correction again gives its first receipt.
    ///
    /// @param inclusionWindow the receipt is promised in a batch this long after `nowMillis`
    /// @throws CorrectionRefusedException where the receipt is unknown or itself a correction, more would be taken back
    ///     than each payee has left of it, or the id stands for another correction; audited
    public final SignedReceipt correct(Correction correction, Duration inclusionWindow, long nowMillis) {
        return corrections.record(correction, inclusionWindow, nowMillis);
    }

    /// Adds what was done by hand to the audit trail.
    public final void log(AuditEvent event) {
        database.write(connection -> {
            AuditTrail.append(connection, event);
            return event;
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

    @Override
    public void close() {
        database.close();
    }
}
