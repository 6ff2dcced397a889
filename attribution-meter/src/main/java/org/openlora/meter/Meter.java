package org.openlora.meter;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.evidence.CorpusLibrary;
import org.openlora.meter.evidence.Scorer;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.AttachedLedger;
import org.openlora.meter.ledger.AuditEvent;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.ledger.LedgerJournal;
import org.openlora.meter.ledger.LedgerQueries;
import org.openlora.meter.ledger.PendingUsage;
import org.openlora.meter.ledger.SealedBatch;
import org.openlora.meter.ledger.UsageReceipts;
import org.openlora.meter.pricing.PayeeTable;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.openlora.meter.trace.TraceStore;
import org.openlora.meter.usage.AdapterUsage;
import org.openlora.meter.usage.LineageShare;
import org.openlora.meter.usage.ScoringVersions;
import org.openlora.meter.usage.TraceOrder;
import org.openlora.meter.usage.UsageRow;

/// From usage to sealed batches. A response's end is three calls: [#versionsFor] when its usage row is made,
/// [#commit], and the acknowledgement into the final event; receipts follow by themselves. Safe for use by many
/// threads.
public final class Meter implements AutoCloseable {
    private final MeterOptions options;
    private final Ledger ledger;
    private final TraceKeeper keeper;
    private final ScoringWorker worker;
    private final UsageCommitter committer;
    private final Map<Bytes32, Long> ordinals = new ConcurrentHashMap<>();
    private volatile PayeeTable payees;

    private Meter(MeterOptions options, Ledger ledger, TraceKeeper keeper) {
        this.options = options;
        this.ledger = ledger;
        this.keeper = keeper;
        keeper.expect(traces().counts().awaiting() > 0);
        ledger.keepDocument(
                options.priceBook().digest(),
                UsageScorer.PRICE_BOOK,
                options.priceBook().json());
        this.payees = keepDatanets(options, ledger, ordinals);
        this.worker = new ScoringWorker(
                ledger,
                new UsageScorer(ledger, new CorpusLibrary(options.datanets(), options.encoders())),
                options.clock());
        this.committer = new UsageCommitter(ledger, options.clock(), worker::wake);
    }

    /// Opens the ledger and goes on with the rows that wait in it.
    ///
    /// @throws org.openlora.meter.database.LedgerException where another process has it open or its files cannot be
    ///     used
    public static Meter open(MeterOptions options) {
        TraceKeeper keeper = new TraceKeeper(options.listener());
        Ledger ledger = Ledger.open(options.location(), options.identity(), options.observer(), keeper);
        try {
            return new Meter(options, ledger, keeper);
        } catch (RuntimeException e) {
            ledger.close();
            throw e;
        }
    }

    private static PayeeTable keepDatanets(MeterOptions options, Ledger ledger, Map<Bytes32, Long> ordinals) {
        Collection<Datanet> datanets = options.datanets().all();
        for (Datanet datanet : datanets) {
            ordinals.put(datanet.digest(), ledger.datanetOrdinal(datanet.digest()));
        }
        PayeeTable table = PayeeTable.of(datanets);
        ledger.keepDocument(table.digest(), UsageScorer.PAYEES, table.json());
        return table;
    }

    /// Registers a datanet behind those that are there.
    public synchronized void register(Datanet datanet) {
        options.datanets().register(datanet);
        payees = keepDatanets(options, ledger, ordinals);
    }

    /// What will score a request that these adapters serve now.
    public ScoringVersions versionsFor(Collection<AdapterUsage> adapters) {
        List<Bytes32> datanets = new ArrayList<>(adapters.stream()
                .flatMap(adapter -> adapter.lineage().stream())
                .map(LineageShare::datanet)
                .distinct()
                .filter(ordinals::containsKey)
                .toList());
        datanets.sort(Comparator.comparing(digest -> ordinals.getOrDefault(digest, Long.MAX_VALUE)));
        return new ScoringVersions(
                Scorer.ID, datanets, payees.digest(), options.priceBook().digest());
    }

    /// Makes a usage row durable. Committing the same row again gives the same acknowledgement.
    ///
    /// @return completes when the row is on the disk, with what the response's final event carries; fails with a
    ///     [org.openlora.meter.ledger.UsageConflictException] where the request id was used for another content,
    ///     or a [org.openlora.meter.database.LedgerException] where the row could not be written: then nothing is
    ///     billed
    public CompletableFuture<SignedAcknowledgement> commit(UsageRow row) {
        return commit(row, null);
    }

    /// The same, with an order to keep the request's tokens once its receipt stands.
    ///
    /// @param trace null where nothing is to be kept
    public CompletableFuture<SignedAcknowledgement> commit(UsageRow row, @Nullable TraceOrder trace) {
        long includeBy =
                Math.addExact(row.servedToMillis(), options.inclusionWindow().toMillis());
        SignedAcknowledgement acknowledgement = SignedAcknowledgement.sign(
                UsageReceipts.acknowledgement(row, includeBy),
                options.identity().domain(),
                options.identity().signer());
        if (trace != null) {
            keeper.expect(true);
        }
        return committer.submit(PendingUsage.of(row, acknowledgement, trace));
    }

    /// Waits until every row committed so far has its receipt or is quarantined.
    ///
    /// @throws IllegalStateException where that did not happen in time
    public void drain(Duration timeout) {
        worker.drain(timeout);
    }

    /// Seals all receipts that stand in no batch into the next one; empty where there are none.
    public Optional<SealedBatch> seal() {
        return ledger.seal(options.clock().instant().toEpochMilli());
    }

    /// A sealed batch.
    public Optional<SealedBatch> batch(long number) {
        return ledger.batch(number);
    }

    /// Receipts, attribution, totals, quarantine and audit.
    public LedgerQueries queries() {
        return ledger.queries();
    }

    /// The open ledger, for corrections, the audit trail and tables of other packages.
    public AttachedLedger ledger() {
        return ledger;
    }

    /// The flusher's memory.
    public LedgerJournal journal() {
        return ledger.journal();
    }

    /// The tokens that tenants let be kept.
    public TraceStore traces() {
        return new TraceStore(ledger.database());
    }

    /// Lets quarantined rows be scored again.
    ///
    /// @return how many
    public int releaseQuarantined() {
        int released = ledger.releaseQuarantined(
                AuditEvent.SYSTEM, options.clock().instant().toEpochMilli());
        worker.wake();
        return released;
    }

    /// What scoring has taken so far.
    public ScoringCost scoringCost() {
        return worker.cost();
    }

    /// Commits what was submitted, finishes the rows in hand and releases the ledger. Rows that still wait are
    /// scored when it is opened next.
    @Override
    public void close() {
        try {
            committer.close();
        } finally {
            try {
                worker.close();
            } finally {
                ledger.close();
            }
        }
    }
}
