package org.openlora.meter.ledger;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import org.openlora.meter.chain.BatchHeader;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.database.LedgerException.Reason;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.receipt.SignedReceipt;

/// Seals receipts into batches. The batch file is the canonical JSON of each signed receipt and a line feed, in
/// the order of sequence numbers; it is named by its keccak256, so a file left by a crash before the batch was
/// recorded does no harm.
final class BatchSealer {
    private static final String FOLDER = "batches";
    /// What one batch may hold at most, so that a long backlog needs no memory in proportion.
    private static final int MOST_RECEIPTS = 100_000;

    private final Database database;
    private final LedgerQueries queries;
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

    /// A batch as its table has it.
    private record Entry(
            long number,
            Bytes32 operatorId,
            long firstSeq,
            long lastSeq,
            Bytes32 root,
            Bytes32 dataHash,
            String dataUri,
            Bytes32 head) {}

    BatchSealer(
            Database database,
            LedgerQueries queries,
            Path folder,
            LedgerIdentity identity,
            Guard guard,
            LedgerStep.Observer observer) {
        this.database = database;
        this.queries = queries;
        this.folder = folder;
        this.identity = identity;
        this.guard = guard;
        this.observer = observer;
    }

    synchronized Optional<SealedBatch> seal(long nowMillis) {
        Optional<Entry> last = lastEntry();
        long firstSeq = last.map(Entry::lastSeq).orElse(0L) + 1;
        List<SignedReceipt> receipts = queries.receipts(firstSeq, MOST_RECEIPTS);
        if (receipts.isEmpty()) {
            return Optional.empty();
        }
        byte[] data = data(receipts);
        Bytes32 dataHash = Keccak256.hash(data);
        String dataUri = FOLDER + "/" + dataHash + ".jsonl";
        BatchHeader header = BatchHeader.of(
                last.map(Entry::number).orElse(0L) + 1,
                identity.operatorId(),
                receipts.stream().map(SignedReceipt::receipt).toList(),
                SealedBatch.tree(receipts).root(),
                dataHash,
                dataUri);
        Bytes32 previousHead = last.map(Entry::head).orElse(Bytes32.ZERO);
        SealedBatch batch =
                new SealedBatch(header, previousHead, header.head(previousHead), folder.resolve(dataUri), receipts);
        publish(batch.file(), data);
        observer.reached(LedgerStep.BATCH_FILE_WRITTEN);
        record(batch, nowMillis);
        return Optional.of(batch);
    }

    private void record(SealedBatch batch, long nowMillis) {
        BatchHeader header = batch.header();
        database.write(
                connection -> {
                    guard.lock(connection);
                    Database.update(
                            connection,
                            "INSERT INTO batch (stream, number, operator_id, first_seq, last_seq, root, data_hash,"
                                    + " data_uri, head, sealed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                            header.stream(),
                            header.number(),
                            header.operatorId(),
                            header.firstSeq(),
                            header.lastSeq(),
                            header.root(),
                            header.dataHash(),
                            header.dataUri(),
                            batch.head(),
                            nowMillis);
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

    private static byte[] data(List<SignedReceipt> receipts) {
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        for (SignedReceipt receipt : receipts) {
            data.writeBytes(receipt.toJson());
            data.write('\n');
        }
        return data.toByteArray();
    }

    private void publish(Path file, byte[] data) {
        Path parent = folder.resolve(FOLDER);
        Path temporary = parent.resolve(file.getFileName() + ".tmp");
        try {
            Files.createDirectories(parent);
            try (FileChannel channel = FileChannel.open(
                    temporary,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE)) {
                for (ByteBuffer rest = ByteBuffer.wrap(data); rest.hasRemaining(); ) {
                    channel.write(rest);
                }
                channel.force(true);
            }
            observer.reached(LedgerStep.BATCH_FILE_BEFORE_RENAME);
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
            try (FileChannel directory = FileChannel.open(parent)) {
                directory.force(true);
            }
        } catch (IOException e) {
            throw new LedgerException(Reason.OTHER, "cannot write the batch file " + file + ": " + e.getMessage(), e);
        }
    }

    /// A sealed batch, as it was sealed.
    Optional<SealedBatch> batch(long number) {
        return entry(number).map(entry -> {
            List<SignedReceipt> receipts =
                    queries.receipts(entry.firstSeq(), (int) (entry.lastSeq() - entry.firstSeq() + 1));
            BatchHeader header = BatchHeader.of(
                    entry.number(),
                    entry.operatorId(),
                    receipts.stream().map(SignedReceipt::receipt).toList(),
                    entry.root(),
                    entry.dataHash(),
                    entry.dataUri());
            Bytes32 previousHead = entry(number - 1).map(Entry::head).orElse(Bytes32.ZERO);
            if (!header.head(previousHead).equals(entry.head())) {
                throw new LedgerException(
                        Reason.DAMAGED, "batch " + number + " does not have the head it was sealed with");
            }
            return new SealedBatch(header, previousHead, entry.head(), folder.resolve(entry.dataUri()), receipts);
        });
    }

    private Optional<Entry> lastEntry() {
        List<Long> numbers = queries.batchNumbers();
        return numbers.isEmpty() ? Optional.empty() : entry(numbers.getLast());
    }

    private Optional<Entry> entry(long number) {
        return database
                .query(
                        "SELECT * FROM batch WHERE stream = ? AND number = ?",
                        row -> new Entry(
                                row.getLong("number"),
                                Database.word(row, "operator_id"),
                                row.getLong("first_seq"),
                                row.getLong("last_seq"),
                                Database.word(row, "root"),
                                Database.word(row, "data_hash"),
                                row.getString("data_uri"),
                                Database.word(row, "head")),
                        identity.stream(),
                        number)
                .stream()
                .findFirst();
    }
}
