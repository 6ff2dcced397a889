package org.openlora.meter.ledger;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.openlora.meter.chain.FlushSource;
import org.openlora.meter.database.Database;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.lease.DatabaseLease;
import org.openlora.meter.lease.Fence;
import org.openlora.meter.receipt.SignedReceipt;

/// An open ledger, as a command has it beside the server that owns its stream: it reads, appends corrections,
/// logs what was done by hand and keeps documents. What only the owner does is in [Ledger]. Safe for use by
/// many threads.
public sealed class AttachedLedger implements AutoCloseable permits Ledger {
    private final Database database;
    private final LedgerIdentity identity;
    private final LedgerQueries queries;
    private final Corrections corrections;
    private final BatchSealer sealer;

    AttachedLedger(
            Database database,
            LedgerLocation location,
            LedgerIdentity identity,
            BatchSealer.Guard guard,
            LedgerStep.Observer observer) {
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
        return new LedgerJournal(database, identity.stream(), Fence.OPEN);
    }

    /// The streams of this operator in this database, of all replicas that share it, with their sealed batches.
    ///
    /// @param fence stands before each change of the flusher's memory
    public final List<FlushSource> flushSources(Fence fence) {
        return BatchTable.streams(database, identity.operatorId()).stream()
                .map(stream -> new FlushSource(
                        identity.operatorId(),
                        stream,
                        new BatchTable(database, new LedgerQueries(database, stream), stream),
                        new LedgerJournal(database, stream, fence)))
                .toList();
    }

    /// The lease on flushing this operator's batches, which one process of all on this database holds.
    ///
    /// @param holder names this process, unlike any other and any earlier life of itself
    /// @param term how long the lease outlasts a process that died
    public final DatabaseLease flushLease(String holder, Duration term) {
        return new DatabaseLease(database, "flush " + identity.operatorId(), holder, term);
    }

    final BatchSealer sealer() {
        return sealer;
    }

    /// Appends a credit or debit to the stream, signed and linked as every receipt, and says so in the audit
    /// trail. The same correction again gives its first receipt.
    ///
    /// @param inclusionWindow the receipt is promised in a batch this long after `nowMillis`
    /// @throws CorrectionRefusedException where the receipt is unknown or itself a correction, more would be
    ///     taken back than each payee has left of it, or the id stands for another correction; audited
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

    @Override
    public void close() {
        database.close();
    }
}
