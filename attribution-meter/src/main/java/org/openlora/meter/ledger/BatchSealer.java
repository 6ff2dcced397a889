package org.openlora.meter.ledger;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.openlora.meter.chain.BatchHeader;
import org.openlora.meter.chain.BatchTotals;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.database.LedgerException.Reason;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.merkle.MerkleTree;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.SignedReceipt;

/// Seals receipts into batches. The batch file is the canonical JSON of each signed receipt and a line feed, in
/// the order of sequence numbers; it is named by its keccak256, so a file left by a crash before the batch was
/// recorded does no harm. Receipts pass through a page at a time; only their leaves are kept.
final class BatchSealer {
    private static final String FOLDER = "batches";
    /// What one batch may hold at most, so that a long backlog needs no memory in proportion.
    private static final int MOST_RECEIPTS = 100_000;

    private static final int BUFFER_BYTES = 1 << 16;

    private final Database database;
    private final LedgerQueries queries;
    private final BatchTable batches;
    private final Path folder;
    private final LedgerIdentity identity;
    private final Guard guard;
    private final LedgerStep.Observer observer;

    /// Asks at the beginning of a sealing transaction whether it may go on.
    @FunctionalInterface
    interface Guard {
        Guard NOT_THE_OWNER = connection -> {
            throw new IllegalStateException("a batch is sealed by the owner of its stream");
        };

        void lock(Connection connection) throws SQLException;
    }

    BatchSealer(
            Database database,
            LedgerQueries queries,
            Path folder,
            LedgerIdentity identity,
            Guard guard,
            LedgerStep.Observer observer) {
        this.database = database;
        this.queries = queries;
        this.batches = new BatchTable(database, queries, identity.stream());
        this.folder = folder;
        this.identity = identity;
        this.guard = guard;
        this.observer = observer;
    }

    synchronized Optional<SealedBatch> seal(long nowMillis) {
        long number = batches.last() + 1;
        long firstSeq = batches.batch(number - 1).map(BatchHeader::lastSeq).orElse(0L) + 1;
        long lastSeq = Math.min(queries.lastSeq(), firstSeq + MOST_RECEIPTS - 1);
        if (lastSeq < firstSeq) {
            return Optional.empty();
        }
        BatchHeader header = write(number, new SealedBatch.Pages(queries, firstSeq, lastSeq));
        SealedBatch batch =
                new SealedBatch(header, batches.previousHead(number), folder.resolve(header.dataUri()), queries);
        record(batch, nowMillis);
        return Optional.of(batch);
    }

    /// Writes the batch file and totals what goes into it.
    private BatchHeader write(long number, Iterator<SignedReceipt> receipts) {
        Path parent = folder.resolve(FOLDER);
        Path temporary = parent.resolve("sealing-" + identity.stream() + ".tmp");
        BatchTotals totals = new BatchTotals();
        List<Bytes32> leaves = new ArrayList<>();
        Keccak256.Hasher hasher = new Keccak256.Hasher();
        byte[] lineFeed = {'\n'};
        try {
            Files.createDirectories(parent);
            try (FileChannel channel = FileChannel.open(
                            temporary,
                            StandardOpenOption.CREATE,
                            StandardOpenOption.TRUNCATE_EXISTING,
                            StandardOpenOption.WRITE);
                    OutputStream data = new BufferedOutputStream(Channels.newOutputStream(channel), BUFFER_BYTES)) {
                while (receipts.hasNext()) {
                    SignedReceipt signed = receipts.next();
                    totals.add(signed.receipt());
                    leaves.add(ReceiptCodec.leaf(signed.receipt()));
                    byte[] json = signed.toJson();
                    hasher.update(json).update(lineFeed);
                    data.write(json);
                    data.write(lineFeed);
                }
                data.flush();
                channel.force(true);
            }
            Bytes32 dataHash = hasher.finish();
            String dataUri = FOLDER + "/" + dataHash + ".jsonl";
            observer.reached(LedgerStep.BATCH_FILE_BEFORE_RENAME);
            Files.move(temporary, folder.resolve(dataUri), StandardCopyOption.ATOMIC_MOVE);
            try (FileChannel directory = FileChannel.open(parent)) {
                directory.force(true);
            }
            observer.reached(LedgerStep.BATCH_FILE_WRITTEN);
            return totals.header(
                    number, identity.operatorId(), MerkleTree.of(leaves).root(), dataHash, dataUri);
        } catch (IOException e) {
            throw new LedgerException(
                    Reason.OTHER, "cannot write a batch file into " + parent + ": " + e.getMessage(), e);
        }
    }

    private void record(SealedBatch batch, long nowMillis) {
        BatchHeader header = batch.header();
        database.write(
                connection -> {
                    guard.lock(connection);
                    BatchTable.insert(connection, header, batch.head(), nowMillis);
                    int marked = Database.update(
                            connection,
                            "UPDATE receipt SET batch = ? WHERE stream = ? AND seq BETWEEN ? AND ? AND batch IS NULL",
                            header.number(),
                            header.stream(),
                            header.firstSeq(),
                            header.lastSeq());
                    if (marked != header.count()) {
                        throw new LedgerException(
                                Reason.DAMAGED,
                                "batch " + header.number() + " holds " + header.count() + " receipts, of which only "
                                        + marked + " stood in no batch");
                    }
                    observer.reached(LedgerStep.BATCH_BEFORE_COMMIT);
                    return marked;
                },
                () -> observer.reached(LedgerStep.BATCH_COMMITTED));
    }

    /// A sealed batch, as it was sealed.
    Optional<SealedBatch> batch(long number) {
        return batches.batch(number)
                .map(header -> new SealedBatch(
                        header, batches.previousHead(number), folder.resolve(header.dataUri()), queries));
    }
}
