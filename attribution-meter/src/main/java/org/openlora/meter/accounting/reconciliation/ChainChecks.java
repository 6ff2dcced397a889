package org.openlora.meter.accounting.reconciliation;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.openlora.meter.accounting.reconciliation.ChainRecord.Anchor;
import org.openlora.meter.chain.BatchHeader;
import org.openlora.meter.chain.CommittedBatch;
import org.openlora.meter.chain.LedgerContract.StreamState;
import org.openlora.meter.evm.Bytes32;

/// Holds a stream's batches against the contract's state and events.
final class ChainChecks {
    private final ChainRecord chain;
    private final Findings findings;
    private final long nowMillis;
    private long batchesOnChain;
    private long events;
    private long pending;

    /// An event, whichever of its deliveries this is.
    private record EventId(Bytes32 blockHash, Bytes32 transactionHash, long logIndex) {}

    ChainChecks(ChainRecord chain, Findings findings, long nowMillis) {
        this.chain = chain;
        this.findings = findings;
        this.nowMillis = nowMillis;
    }

    long batchesOnChain() {
        return batchesOnChain;
    }

    /// Events without repeated deliveries.
    long events() {
        return events;
    }

    /// Batches that are not there yet and not late.
    long pending() {
        return pending;
    }

    /// @param batches of one stream and operator, ascending and without gaps
    /// @param landed the last batch that the ledger believes on the chain
    void check(Bytes32 operatorId, Bytes32 stream, List<RebuiltBatch> batches, long landed) {
        StreamState state = chain.stream(operatorId, stream);
        Map<Long, List<CommittedBatch>> committed = committed(operatorId, stream);
        batchesOnChain += state.batches();
        if (state.batches() > batches.size()) {
            findings.add(
                    BreakKind.CHAIN_AHEAD,
                    Subject.batch(stream, batches.size() + 1L),
                    batches.size() + " batches",
                    state.batches() + " on the chain");
        }
        Bytes32 previousHead = Bytes32.ZERO;
        boolean comparable = state.batches() <= batches.size();
        BigInteger gross = BigInteger.ZERO;
        BigInteger credits = BigInteger.ZERO;
        for (RebuiltBatch batch : batches) {
            if (batch.row().number() > state.batches()) {
                absent(batch, landed);
                continue;
            }
            Anchor anchor = chain.batch(operatorId, stream, batch.row().number());
            List<CommittedBatch> found = committed.getOrDefault(batch.row().number(), List.of());
            boolean same = same(batch, anchor, previousHead, found);
            comparable &= same && batch.header().isPresent();
            gross = gross.add(batch.header().map(BatchHeader::gross).orElse(BigInteger.ZERO));
            credits = credits.add(batch.header().map(BatchHeader::creditTotal).orElse(BigInteger.ZERO));
            requireOneEvent(batch, found);
            previousHead = anchor.head();
        }
        if (comparable) {
            totals(stream, state, gross, credits);
        }
    }

    private Map<Long, List<CommittedBatch>> committed(Bytes32 operatorId, Bytes32 stream) {
        Map<EventId, CommittedBatch> distinct = new LinkedHashMap<>();
        for (CommittedBatch event : chain.events(operatorId, stream)) {
            distinct.putIfAbsent(new EventId(event.blockHash(), event.transactionHash(), event.logIndex()), event);
        }
        events += distinct.size();
        Map<Long, List<CommittedBatch>> byNumber = new LinkedHashMap<>();
        for (CommittedBatch event : distinct.values()) {
            byNumber.computeIfAbsent(event.header().number(), number -> new ArrayList<>())
                    .add(event);
        }
        return byNumber;
    }

    private void absent(RebuiltBatch batch, long landed) {
        Subject subject = Subject.batch(batch.row().stream(), batch.row().number());
        if (batch.row().number() <= landed) {
            findings.add(
                    BreakKind.ANCHOR_MISSING,
                    subject,
                    "the batch on the chain, where the ledger recorded that it landed",
                    "no such batch",
                    batch.row().sealedAtMillis());
        } else if (batch.dueMillis() < nowMillis) {
            findings.add(
                    BreakKind.ANCHOR_MISSING,
                    subject,
                    "the batch on the chain by the time its receipts promise",
                    "no such batch",
                    batch.dueMillis());
        } else {
            pending++;
        }
    }

    private boolean same(RebuiltBatch batch, Anchor anchor, Bytes32 previousHead, Collection<CommittedBatch> found) {
        StoredBatch row = batch.row();
        Subject subject = Subject.batch(row.stream(), row.number());
        Optional<BatchHeader> header = batch.header();
        boolean rootKnown = anchor.root().equals(row.root())
                || header.filter(rebuilt -> rebuilt.root().equals(anchor.root()))
                        .isPresent();
        if (!rootKnown) {
            findings.add(
                    BreakKind.CHAIN_ROOT_WRONG,
                    subject,
                    "root " + row.root(),
                    "root " + anchor.root() + " on the chain",
                    row.sealedAtMillis());
            return false;
        }
        if (header.isEmpty()
                || header.get().head(previousHead).equals(anchor.head())
                || row.head().equals(anchor.head())) {
            return true;
        }
        headerDiffers(header.get(), anchor, subject, found, row.sealedAtMillis());
        return false;
    }

    /// Same receipts, another header: the event tells which member.
    private void headerDiffers(
            BatchHeader ours, Anchor anchor, Subject subject, Collection<CommittedBatch> found, long sealedAtMillis) {
        Optional<BatchHeader> anchored =
                found.stream().map(CommittedBatch::header).findFirst();
        boolean totals = anchored.filter(theirs -> !theirs.gross().equals(ours.gross())
                        || !theirs.creditTotal().equals(ours.creditTotal())
                        || theirs.promptTokens() != ours.promptTokens()
                        || theirs.generatedTokens() != ours.generatedTokens())
                .isPresent();
        findings.add(
                totals ? BreakKind.CHAIN_TOTALS_WRONG : BreakKind.CHAIN_HEADER_WRONG,
                subject,
                totals ? totals(ours) : ours.toString(),
                anchored.map(theirs -> totals ? totals(theirs) : theirs.toString())
                                .orElse("head " + anchor.head() + " and no event")
                        + " on the chain",
                sealedAtMillis);
    }

    private static String totals(BatchHeader header) {
        return "gross %d, credits %d, %d prompt and %d generated tokens"
                .formatted(header.gross(), header.creditTotal(), header.promptTokens(), header.generatedTokens());
    }

    private void requireOneEvent(RebuiltBatch batch, List<CommittedBatch> found) {
        Subject subject = Subject.batch(batch.row().stream(), batch.row().number());
        if (found.isEmpty()) {
            findings.add(BreakKind.EVENT_MISSING, subject, "one BatchCommitted event", "none");
        } else if (found.size() > 1) {
            findings.add(
                    BreakKind.EVENT_DOUBLED,
                    subject,
                    "one BatchCommitted event",
                    found.size() + ", in transactions "
                            + String.join(
                                    ", ",
                                    found.stream()
                                            .map(event -> Objects.toString(event.transactionHash()))
                                            .toList()));
        }
    }

    private void totals(Bytes32 stream, StreamState state, BigInteger gross, BigInteger credits) {
        if (!state.gross().equals(gross) || !state.creditTotal().equals(credits)) {
            findings.add(
                    BreakKind.CHAIN_TOTALS_WRONG,
                    Subject.batch(stream, state.batches()),
                    "gross %d and credits %d over all batches".formatted(gross, credits),
                    "%d and %d in the contract's state".formatted(state.gross(), state.creditTotal()));
        }
    }
}
