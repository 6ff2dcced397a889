package org.openlora.meter;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.chain.FlushSource;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.datanet.DatanetRegistry;
import org.openlora.meter.datanet.RegisteredDatanet;
import org.openlora.meter.evidence.CorpusLibrary;
import org.openlora.meter.evidence.ProvisionalEvidence;
import org.openlora.meter.evidence.Scorer;
import org.openlora.meter.evidence.ScorerVersion;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.index.IndexStore;
import org.openlora.meter.lease.DatabaseLease;
import org.openlora.meter.lease.Fence;
import org.openlora.meter.ledger.AttachedLedger;
import org.openlora.meter.ledger.AuditEvent;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.ledger.LedgerJournal;
import org.openlora.meter.ledger.LedgerQueries;
import org.openlora.meter.ledger.PendingUsage;
import org.openlora.meter.ledger.SealedBatch;
import org.openlora.meter.ledger.UsageReceipts;
import org.openlora.meter.pricing.PayeeTable;
import org.openlora.meter.pricing.PriceBook;
import org.openlora.meter.pricing.PriceBooks;
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
    private final LedgerWatch ledgerWatch;
    private final PriceBooks priceBooks;
    private final PriceRefresh priceRefresh;
    private final CorpusLibrary corpora;
    private final DatanetRegistry datanets;
    private final DatanetWatch watch;
    private volatile Registered registered;

    /// What requests may be attributed to.
    ///
    /// @param head of the registry when this was made
    /// @param ordinals of the datanets that are not retired
    private record Registered(long head, Map<Bytes32, Long> ordinals, PayeeTable payees) {}

    private Meter(MeterOptions options, Ledger ledger, TraceKeeper keeper) {
        this.options = options;
        this.ledger = ledger;
        this.keeper = keeper;
        keeper.expect(traces().counts().awaiting() > 0);
        this.priceBooks = priceBooks(options, ledger);
        this.datanets = openDatanets(options, ledger);
        this.registered = keepRegistered();
        this.corpora =
                new CorpusLibrary(datanets, new IndexStore(options.datanets().indices()), options.encoders());
        this.ledgerWatch = new LedgerWatch(options.clock());
        Set<Bytes32> unsettled = ConcurrentHashMap.newKeySet();
        this.worker = new ScoringWorker(
                ledger,
                new UsageScorer(ledger, corpora),
                unsettled::contains,
                ledgerWatch::failed,
                options.clock(),
                options.scoringThread());
        this.committer = new UsageCommitter(
                ledger, ledgerWatch, unsettled, options.clock(), options.commitPatience(), worker::wake);
        this.priceRefresh = new PriceRefresh(priceBooks);
        this.watch = new DatanetWatch(this::refreshDatanets);
    }

    private static PriceBooks priceBooks(MeterOptions options, Ledger ledger) {
        PriceBooks books = PriceBooks.of(ledger.database());
        long now = options.clock().millis();
        books.seed(options.priceBook(), now, "settings");
        books.schedule().at(now); // or nothing could be served
        return books;
    }

    private static DatanetRegistry openDatanets(MeterOptions options, Ledger ledger) {
        DatanetRegistry datanets =
                DatanetRegistry.open(ledger.database(), options.datanets().rows(), options.clock());
        try {
            options.datanets().first().into(datanets);
            return datanets;
        } catch (IOException e) {
            throw new UncheckedIOException("the datanets cannot be registered: " + e.getMessage(), e);
        }
    }

    /// Opens the ledger and goes on with the rows that wait in it.
    ///
    /// @throws IllegalStateException where no price book is in force now
    /// @throws org.openlora.meter.document.DocumentException where a datanet to begin with is refused
    /// @throws UncheckedIOException where one cannot be read or kept
    /// @throws org.openlora.meter.database.LedgerException where another process has it open or its files
    ///     cannot be used
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

    /// The datanets that lineages may name. What is registered or retired there, by this process or another,
    /// holds for requests that end from then on, at the latest when [#refreshDatanets] was called.
    public DatanetRegistry datanets() {
        return datanets;
    }

    /// Registers a datanet behind those that are there.
    public void register(Datanet datanet) {
        datanets.register(datanet);
        refreshDatanets();
    }

    /// Takes up what was registered and retired since; done every other second by itself.
    public synchronized void refreshDatanets() {
        datanets.refresh();
        if (datanets.head() != registered.head()) {
            registered = keepRegistered();
        }
    }

    private Registered keepRegistered() {
        long head = datanets.head();
        List<RegisteredDatanet> entries = datanets.entries();
        Map<Bytes32, Long> ordinals = new HashMap<>();
        for (RegisteredDatanet entry : entries) {
            if (entry.isActive()) {
                ordinals.put(entry.datanet().digest(), entry.ordinal());
            }
        }
        PayeeTable table =
                PayeeTable.of(entries.stream().map(RegisteredDatanet::datanet).toList());
        ledger.keepDocument(table.digest(), UsageScorer.PAYEES, table.json());
        return new Registered(head, Map.copyOf(ordinals), table);
    }

    /// What will score a request that these adapters serve now.
    public ScoringVersions versionsFor(Collection<AdapterUsage> adapters) {
        return versionsFor(adapters, options.clock().millis());
    }

    /// What will score a request that these adapters served: the price book is the one in force at `servedToMillis`.
    ///
    /// @throws IllegalStateException where none was
    public ScoringVersions versionsFor(Collection<AdapterUsage> adapters, long servedToMillis) {
        Registered now = registered;
        List<Bytes32> searched = new ArrayList<>(adapters.stream()
                .flatMap(adapter -> adapter.lineage().stream())
                .map(LineageShare::datanet)
                .distinct()
                .filter(now.ordinals()::containsKey)
                .toList());
        searched.sort(Comparator.comparing(digest -> now.ordinals().getOrDefault(digest, Long.MAX_VALUE)));
        PriceBook book = priceBooks.schedule().at(servedToMillis);
        return new ScoringVersions(Scorer.ID, searched, now.payees().digest(), book.digest());
    }

    /// What follows a growing answer of these adapters by today's versions. May open or build indices: to be
    /// called by a thread that nobody waits for.
    ///
    /// @throws IllegalArgumentException where a datanet or the tokenizer is not at hand
    public ProvisionalEvidence provisionalEvidence(
            Collection<AdapterUsage> adapters, Bytes32 tokenizerDigest, int[] prompt) {
        List<Bytes32> searched = versionsFor(adapters).datanets();
        return new ProvisionalEvidence(
                corpora.lineage(searched, tokenizerDigest, ScorerVersion.CURRENT),
                priceBooks.schedule().at(options.clock().millis()).rules(),
                prompt);
    }

    /// Makes a usage row durable. Committing the same row again gives the same acknowledgement.
    ///
    /// @return completes when the row is on the disk, with what the response's final event carries; fails with a
    ///     [org.openlora.meter.ledger.UsageConflictException] where the request id was used for another content,
    ///     or a [org.openlora.meter.database.LedgerException] where the row could not be written for as long as
    ///     [MeterOptions#commitPatience]: then nothing is billed
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

    /// Which price books are in force when.
    public PriceBooks priceBooks() {
        return priceBooks;
    }

    /// The flusher's memory.
    public LedgerJournal journal() {
        return ledger.journal();
    }

    /// The tokens that tenants let be kept.
    public TraceStore traces() {
        return new TraceStore(ledger.database());
    }

    /// The streams of this operator, of all replicas that share the ledger's database.
    public List<FlushSource> flushSources(Fence fence) {
        return ledger.flushSources(fence);
    }

    /// The lease on flushing them.
    public DatabaseLease flushLease(String holder, Duration term) {
        return ledger.flushLease(holder, term);
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

    /// Leaves committed rows unscored until [#resumeScoring]: they wait in the ledger, none is lost, and what
    /// they are scored by is fixed with them. For measuring, and for hours in which every cycle is to serve.
    public void holdScoring() {
        worker.hold(true);
    }

    /// Goes on with the rows that wait.
    public void resumeScoring() {
        worker.hold(false);
    }

    /// Whether the ledger takes writes. While it does not, nothing new may be served.
    public LedgerHealth health() {
        return ledgerWatch.health();
    }

    /// Tells of the ledger's health now and of each change from now on, on whichever thread finds it.
    public void watchHealth(Consumer<LedgerHealth> listener) {
        ledgerWatch.listen(listener);
    }

    /// What group commits amounted to so far.
    public CommitStats commitStats() {
        return committer.stats();
    }

    /// What scoring has taken so far.
    public ScoringCost scoringCost() {
        return worker.cost();
    }

    /// Commits what was submitted, finishes the rows in hand and releases the ledger. Rows that still wait are
    /// scored when it is opened next.
    @Override
    public void close() {
        try (ledger;
                worker;
                committer;
                priceRefresh) {
            watch.close();
        }
    }
}
