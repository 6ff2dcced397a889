package org.openlora.meter.ledger;

import java.math.BigInteger;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import org.openlora.meter.chain.AttemptJournal;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.database.LedgerException.Reason;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.lease.Fence;

/// The flusher's memory in the ledger's own database: an entry is durable when the method that writes it returns.
/// Whoever lost the right to flush while it was paused writes nothing any more, and so sends nothing.
public final class LedgerJournal implements AttemptJournal {
    private final Database database;
    private final Bytes32 stream;
    private final Fence fence;

    /// @param fence stands before each change
    LedgerJournal(Database database, Bytes32 stream, Fence fence) {
        this.database = database;
        this.stream = stream;
        this.fence = fence;
    }

    private <T> T write(Database.Work<T> work) {
        return database.write(connection -> {
            fence.require(connection);
            return work.run(connection);
        });
    }

    /// The stream's row, made where it is missing.
    private void keep(Connection connection) throws SQLException {
        Database.update(connection, "INSERT INTO journal (stream) VALUES (?) ON CONFLICT (stream) DO NOTHING", stream);
    }

    @Override
    public Optional<ChainIdentity> identity() {
        return database
                .query(
                        "SELECT chain_id, code_hash FROM journal WHERE stream = ? AND chain_id IS NOT NULL",
                        row -> new ChainIdentity(row.getLong("chain_id"), Database.word(row, "code_hash")),
                        stream)
                .stream()
                .findFirst();
    }

    @Override
    public void bind(ChainIdentity identity) {
        int bound = write(connection -> {
            keep(connection);
            return Database.update(
                    connection,
                    "UPDATE journal SET chain_id = ?, code_hash = ? WHERE stream = ? AND chain_id IS NULL",
                    identity.chainId(),
                    identity.ledgerCodeHash(),
                    stream);
        });
        if (bound == 0 && !identity().equals(Optional.of(identity))) {
            throw new LedgerException(
                    Reason.OTHER,
                    "this ledger's batches went to " + identity().orElse(identity) + ", not to " + identity
                            + ": use a ledger folder of its own for each chain");
        }
    }

    @Override
    public List<Attempt> attempts(long batchNumber) {
        return database.query(
                "SELECT * FROM attempt WHERE stream = ? AND batch = ? ORDER BY id",
                row -> new Attempt(
                        row.getLong("batch"),
                        row.getLong("nonce"),
                        Database.word(row, "transaction_hash"),
                        row.getString("raw_transaction"),
                        new BigInteger(row.getString("priority_fee_wei")),
                        new BigInteger(row.getString("max_fee_wei")),
                        row.getLong("created_at")),
                stream,
                batchNumber);
    }

    @Override
    public void recordAttempt(Attempt attempt) {
        write(connection -> Database.update(
                connection,
                "INSERT INTO attempt (stream, batch, nonce, transaction_hash, raw_transaction, priority_fee_wei,"
                        + " max_fee_wei, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                stream,
                attempt.batchNumber(),
                attempt.nonce(),
                attempt.transactionHash(),
                attempt.rawTransaction(),
                attempt.maxPriorityFeeWei().toString(),
                attempt.maxFeeWei().toString(),
                attempt.createdAtMillis()));
    }

    @Override
    public long landedNumber() {
        return number("landed");
    }

    @Override
    public void recordLanded(long batchNumber, Bytes32 transactionHash) {
        write(connection -> {
            keep(connection);
            Database.update(connection, "UPDATE journal SET landed = ? WHERE stream = ?", batchNumber, stream);
            // After a rollback, what is above has not landed.
            Database.update(connection, "DELETE FROM landing WHERE stream = ? AND batch > ?", stream, batchNumber);
            if (!transactionHash.isZero()) {
                Database.update(
                        connection,
                        "INSERT INTO landing (stream, batch, transaction_hash) VALUES (?, ?, ?)"
                                + " ON CONFLICT (stream, batch) DO UPDATE SET transaction_hash = excluded.transaction_hash",
                        stream,
                        batchNumber,
                        transactionHash);
            }
            return batchNumber;
        });
    }

    /// The transaction that carried a batch; empty where it has not landed or another process sent it.
    public Optional<Bytes32> landedTransaction(long batchNumber) {
        return database
                .query(
                        "SELECT transaction_hash FROM landing WHERE stream = ? AND batch = ?",
                        row -> Database.word(row, "transaction_hash"),
                        stream,
                        batchNumber)
                .stream()
                .findFirst();
    }

    @Override
    public long finalNumber() {
        return number("final");
    }

    @Override
    public void recordFinal(long batchNumber) {
        write(connection -> {
            keep(connection);
            return Database.update(
                    connection,
                    "UPDATE journal SET final = ? WHERE stream = ? AND final < ?",
                    batchNumber,
                    stream,
                    batchNumber);
        });
    }

    private long number(String column) {
        return database
                .query(
                        "SELECT " + column + " AS number FROM journal WHERE stream = ?",
                        row -> row.getLong("number"),
                        stream)
                .stream()
                .findFirst()
                .orElse(0L);
    }
}
