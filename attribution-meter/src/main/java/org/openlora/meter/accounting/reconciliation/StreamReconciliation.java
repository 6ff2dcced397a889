package org.openlora.meter.accounting.reconciliation;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.chain.BatchHeader;
import org.openlora.meter.database.Database;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.ReceiptKind;
import org.openlora.meter.receipt.Role;
import org.openlora.meter.receipt.SignedReceipt;

/// Reads one stream from its first receipt to its last: numbers, links, receipts, and beside them the batches and their
/// files. What hangs on a break is not reported a second time: a batch with a missing receipt is not rebuilt.
final class StreamReconciliation {
    private static final int PAGE = 1_000;

    private final Connection connection;
    private final Path folder;
    private final Bytes32 stream;
    private final ReceiptChecks checks;
    private final Findings findings;
    private final long nowMillis;
    private final NavigableMap<Long, StoredBatch> batchesByFirst = new TreeMap<>();
    private final NavigableMap<Long, StoredBatch> batchesByNumber = new TreeMap<>();
    private final List<RebuiltBatch> rebuilt = new ArrayList<>();
    private final List<Gap> gaps = new ArrayList<>();

    private @Nullable OpenBatch open;
    private long nextSeq = 1;
    private Optional<Bytes32> previousHash = Optional.of(Bytes32.ZERO);
    private long receipts;
    private long payments;
    private long pendingReceipts;
    private BigInteger grossPico = BigInteger.ZERO;
    private BigInteger creditPico = BigInteger.ZERO;

    /// Numbers without a receipt.
    record Gap(long first, long last) {}

    /// The batch that is being rebuilt.
    private static final class OpenBatch {
        private final StoredBatch row;
        private final @Nullable BatchFileCheck file;
        private final BatchTally tally = new BatchTally();
        private boolean sound = true;

        OpenBatch(StoredBatch row, @Nullable BatchFileCheck file) {
            this.row = row;
            this.file = file;
        }
    }

    /// @param folder that the batches' URIs are relative to
    StreamReconciliation(
            Connection connection,
            Path folder,
            Bytes32 stream,
            ReceiptChecks checks,
            Findings findings,
            long nowMillis) {
        this.connection = connection;
        this.folder = folder;
        this.stream = stream;
        this.checks = checks;
        this.findings = findings;
        this.nowMillis = nowMillis;
    }

    void run() throws SQLException {
        readBatches();
        long last = lastSeq();
        while (nextSeq <= last) {
            long from = nextSeq;
            long to = Math.min(last, from + PAGE - 1);
            Map<Long, List<Payment>> paid = payments(from, to);
            for (StoredReceipt row :
                    Database.query(connection, StoredReceipt.SQL, StoredReceipt::read, stream, from, to)) {
                skipTo(row.seq());
                receipt(row, paid.getOrDefault(row.seq(), List.of()));
                nextSeq = row.seq() + 1;
            }
            skipTo(to + 1);
        }
        closeBatch();
    }

    Bytes32 stream() {
        return stream;
    }

    List<RebuiltBatch> rebuilt() {
        return rebuilt;
    }

    List<Gap> gaps() {
        return gaps;
    }

    long receipts() {
        return receipts;
    }

    long payments() {
        return payments;
    }

    long pendingReceipts() {
        return pendingReceipts;
    }

    BigInteger grossPico() {
        return grossPico;
    }

    BigInteger creditPico() {
        return creditPico;
    }

    private void readBatches() throws SQLException {
        long expected = 1;
        for (StoredBatch batch : Database.query(connection, StoredBatch.SQL, StoredBatch::read, stream)) {
            if (batch.number() > expected) {
                findings.add(
                        BreakKind.BATCH_MISSING,
                        Subject.batch(stream, expected),
                        "batches without gaps",
                        "none from " + expected + " to " + (batch.number() - 1),
                        batch.sealedAtMillis());
            }
            expected = batch.number() + 1;
            batchesByNumber.put(batch.number(), batch);
            batchesByFirst.put(batch.firstSeq(), batch);
        }
    }

    private long lastSeq() throws SQLException {
        long stored = Database.query(
                        connection,
                        "SELECT coalesce(max(seq), 0) AS seq FROM receipt WHERE stream = ?",
                        row -> row.getLong("seq"),
                        stream)
                .getFirst();
        return Math.max(
                stored,
                batchesByNumber.values().stream()
                        .mapToLong(StoredBatch::lastSeq)
                        .max()
                        .orElse(0));
    }

    private Map<Long, List<Payment>> payments(long from, long to) throws SQLException {
        record Line(long seq, Payment payment) {}
        Map<Long, List<Payment>> bySeq = new HashMap<>();
        for (Line line : Database.query(
                connection,
                "SELECT seq, role, source, payee, amount FROM payment WHERE stream = ? AND seq BETWEEN ? AND ?"
                        + " ORDER BY seq, role, source, payee",
                row -> new Line(
                        row.getLong("seq"),
                        new Payment(
                                Address.of(row.getBytes("payee")),
                                Role.ofCode(row.getInt("role")),
                                Database.word(row, "source"),
                                row.getLong("amount"))),
                stream,
                from,
                to)) {
            bySeq.computeIfAbsent(line.seq(), seq -> new ArrayList<>()).add(line.payment());
            payments++;
        }
        return bySeq;
    }

    /// Passes over numbers that have no receipt.
    private void skipTo(long seq) {
        if (nextSeq >= seq) {
            return;
        }
        Gap before = gaps.isEmpty() ? null : gaps.getLast();
        if (before != null && before.last() == nextSeq - 1) {
            gaps.set(gaps.size() - 1, new Gap(before.first(), seq - 1));
        } else {
            gaps.add(new Gap(nextSeq, seq - 1));
        }
        for (; nextSeq < seq; nextSeq++) {
            openBatchAt(nextSeq);
            unsound(nextSeq);
        }
        previousHash = Optional.empty();
    }

    private void receipt(StoredReceipt row, List<Payment> paid) {
        openBatchAt(row.seq());
        receipts++;
        Optional<SignedReceipt> read = checks.read(row);
        if (read.isEmpty()) {
            unsound(row.seq());
            previousHash = Optional.of(row.structHash());
            return;
        }
        Receipt receipt = read.get().receipt();
        BigInteger price = BigInteger.valueOf(receipt.price());
        if (receipt.kind() == ReceiptKind.CREDIT) {
            creditPico = creditPico.add(price);
        } else {
            grossPico = grossPico.add(price);
        }
        previousHash
                .filter(hash -> !receipt.prevReceipt().equals(hash))
                .ifPresent(hash -> findings.add(
                        BreakKind.LINK_BROKEN,
                        Subject.receipt(stream, row.seq(), row.requestId()),
                        "a link to " + hash + ", the receipt before it",
                        "one to " + receipt.prevReceipt(),
                        receipt.servedTo()));
        previousHash = Optional.of(ReceiptCodec.structHash(receipt));
        checks.check(row, receipt, paid);
        membership(row, receipt);
        OpenBatch batch = open;
        if (batch != null) {
            if (batch.sound) {
                batch.tally.add(receipt, row.signed());
            }
            compareLine(batch, row.seq(), row.signed());
        }
    }

    private void membership(StoredReceipt row, Receipt receipt) {
        Long claimed = row.batch();
        Long held = open == null ? null : Long.valueOf(open.row.number());
        if (claimed != null && !batchesByNumber.containsKey(claimed)) {
            return; // its batch is missing, and named as such
        }
        if (held == null ? claimed != null : !held.equals(claimed)) {
            findings.add(
                    BreakKind.BATCH_MEMBERSHIP_WRONG,
                    Subject.receipt(stream, row.seq(), row.requestId()),
                    held == null ? "no batch" : "batch " + held,
                    claimed == null ? "no batch" : "batch " + claimed,
                    receipt.servedTo());
        } else if (held == null && receipt.includeBy() < nowMillis) {
            findings.add(
                    BreakKind.BATCH_OVERDUE,
                    Subject.receipt(stream, row.seq(), row.requestId()),
                    "a batch by the time that the receipt promises",
                    "none",
                    receipt.includeBy());
        } else if (held == null) {
            pendingReceipts++;
        }
    }

    private void openBatchAt(long seq) {
        if (open != null && seq <= open.row.lastSeq()) {
            return;
        }
        closeBatch();
        Map.Entry<Long, StoredBatch> entry = batchesByFirst.floorEntry(seq);
        if (entry != null && seq <= entry.getValue().lastSeq()) {
            open = new OpenBatch(entry.getValue(), openFile(entry.getValue()));
            open.sound = entry.getValue().firstSeq() == seq;
        }
    }

    private @Nullable BatchFileCheck openFile(StoredBatch batch) {
        Path file = folder.resolve(batch.dataUri());
        try {
            return new BatchFileCheck(file);
        } catch (IOException e) {
            findings.add(
                    BreakKind.BATCH_FILE_MISSING,
                    Subject.batch(stream, batch.number()),
                    "the file " + batch.dataUri(),
                    "none that can be read",
                    batch.sealedAtMillis());
            return null;
        }
    }

    private void unsound(long seq) {
        OpenBatch batch = open;
        if (batch != null) {
            batch.sound = false;
            compareLine(batch, seq, null);
        }
    }

    private static void compareLine(OpenBatch batch, long seq, byte @Nullable [] signed) {
        BatchFileCheck file = batch.file;
        if (file == null) {
            return;
        }
        try {
            file.next(seq, signed);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException("cannot read " + batch.row.dataUri(), e);
        }
    }

    private void closeBatch() {
        OpenBatch batch = open;
        if (batch == null) {
            return;
        }
        open = null;
        BatchFileCheck file = batch.file;
        if (file != null) {
            closeFile(batch.row, file);
        }
        Optional<BatchHeader> header = batch.sound ? Optional.of(batch.tally.header(batch.row)) : Optional.empty();
        header.ifPresent(rebuiltHeader -> compare(batch.row, rebuiltHeader));
        rebuilt.add(new RebuiltBatch(batch.row, header, batch.tally.earliestIncludeBy()));
    }

    private void closeFile(StoredBatch batch, BatchFileCheck file) {
        try (file) {
            Bytes32 hash = file.hash();
            if (!hash.equals(batch.dataHash())) {
                OptionalLong difference = file.firstDifference();
                findings.add(
                        BreakKind.BATCH_FILE_ALTERED,
                        Subject.batch(stream, batch.number()),
                        "a file of keccak256 " + batch.dataHash(),
                        hash
                                + (difference.isPresent()
                                        ? ", first different at receipt " + difference.getAsLong()
                                        : ", with all receipts and something else"),
                        batch.sealedAtMillis());
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException("cannot read " + batch.dataUri(), e);
        }
    }

    private void compare(StoredBatch row, BatchHeader header) {
        Subject subject = Subject.batch(stream, row.number());
        StoredBatch before = batchesByNumber.get(row.number() - 1);
        if (!header.root().equals(row.root())) {
            findings.add(
                    BreakKind.BATCH_ROOT_WRONG,
                    subject,
                    "root " + header.root() + " of its receipts",
                    "root " + row.root(),
                    row.sealedAtMillis());
        } else if (!header.dataHash().equals(row.dataHash())) {
            findings.add(
                    BreakKind.BATCH_HEAD_WRONG,
                    subject,
                    "data hash " + header.dataHash() + " of its receipts",
                    "data hash " + row.dataHash(),
                    row.sealedAtMillis());
        } else if (before != null || row.number() == 1) {
            Bytes32 head = header.head(before == null ? Bytes32.ZERO : before.head());
            if (!head.equals(row.head())) {
                findings.add(
                        BreakKind.BATCH_HEAD_WRONG,
                        subject,
                        "head " + head,
                        "head " + row.head(),
                        row.sealedAtMillis());
            }
        }
    }
}
