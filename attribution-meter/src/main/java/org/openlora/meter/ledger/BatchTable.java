package org.openlora.meter.ledger;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.openlora.meter.chain.BatchHeader;
import org.openlora.meter.chain.BatchTotals;
import org.openlora.meter.chain.SealedBatches;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.database.LedgerException.Reason;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.SignedReceipt;

/// The sealed batches of one stream, as their table has them.
final class BatchTable implements SealedBatches {
    private final Database database;
    private final LedgerQueries queries;
    private final Bytes32 stream;

    BatchTable(Database database, LedgerQueries queries, Bytes32 stream) {
        this.database = database;
        this.queries = queries;
        this.stream = stream;
    }

    /// The streams of an operator that have sealed batches.
    static List<Bytes32> streams(Database database, Bytes32 operatorId) {
        return database.query(
                "SELECT DISTINCT stream FROM batch WHERE operator_id = ? ORDER BY stream",
                row -> Database.word(row, "stream"),
                operatorId);
    }

    @Override
    public long last() {
        return database.query(
                        "SELECT coalesce(max(number), 0) AS number FROM batch WHERE stream = ?",
                        row -> row.getLong("number"),
                        stream)
                .getFirst();
    }

    /// @throws LedgerException where it is not what was sealed
    @Override
    public Optional<BatchHeader> batch(long number) {
        Optional<BatchHeader> header =
                database
                        .query("SELECT * FROM batch WHERE stream = ? AND number = ?", this::header, stream, number)
                        .stream()
                        .findFirst();
        if (header.isPresent() && !head(number).equals(Optional.of(header.get().head(previousHead(number))))) {
            throw new LedgerException(Reason.DAMAGED, "batch " + number + " does not have the head it was sealed with");
        }
        return header;
    }

    @Override
    public Optional<Bytes32> head(long number) {
        return database
                .query(
                        "SELECT head FROM batch WHERE stream = ? AND number = ?",
                        row -> Database.word(row, "head"),
                        stream,
                        number)
                .stream()
                .findFirst();
    }

    /// The link that a batch's own follows.
    Bytes32 previousHead(long number) {
        return head(number - 1).orElse(Bytes32.ZERO);
    }

    private BatchHeader header(ResultSet row) throws SQLException {
        long number = row.getLong("number");
        Bytes32 operatorId = Database.word(row, "operator_id");
        long firstSeq = row.getLong("first_seq");
        long lastSeq = row.getLong("last_seq");
        Bytes32 root = Database.word(row, "root");
        Bytes32 dataHash = Database.word(row, "data_hash");
        String dataUri = row.getString("data_uri");
        if (row.getBytes("price_book_hash") == null) {
            return totals(firstSeq, lastSeq).header(number, operatorId, root, dataHash, dataUri);
        }
        return new BatchHeader(
                number,
                operatorId,
                stream,
                firstSeq,
                lastSeq,
                Math.toIntExact(lastSeq - firstSeq + 1),
                row.getLong("from_ts"),
                row.getLong("to_ts"),
                Database.number(row, "gross"),
                Database.number(row, "credit_total"),
                row.getLong("prompt_tokens"),
                row.getLong("generated_tokens"),
                Database.word(row, "price_book_hash"),
                root,
                dataHash,
                dataUri);
    }

    /// For a batch that was sealed before the table had its totals.
    private BatchTotals totals(long firstSeq, long lastSeq) {
        BatchTotals totals = new BatchTotals();
        for (Iterator<SignedReceipt> receipts = new SealedBatch.Pages(queries, firstSeq, lastSeq);
                receipts.hasNext(); ) {
            totals.add(receipts.next().receipt());
        }
        return totals;
    }

    static void insert(Connection connection, BatchHeader header, Bytes32 head, long nowMillis) throws SQLException {
        Database.update(
                connection,
                "INSERT INTO batch (stream, number, operator_id, first_seq, last_seq, from_ts, to_ts, gross,"
                        + " credit_total, prompt_tokens, generated_tokens, price_book_hash, root, data_hash, data_uri,"
                        + " head, sealed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                header.stream(),
                header.number(),
                header.operatorId(),
                header.firstSeq(),
                header.lastSeq(),
                header.fromTs(),
                header.toTs(),
                header.gross(),
                header.creditTotal(),
                header.promptTokens(),
                header.generatedTokens(),
                header.priceBookHash(),
                header.root(),
                header.dataHash(),
                header.dataUri(),
                head,
                nowMillis);
    }
}
