package org.openlora.meter.ledger;

import java.sql.Connection;
import java.sql.SQLException;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.database.LedgerException.Reason;
import org.openlora.meter.evm.Bytes32;

/// Who may append to a stream. Each opening of a stream by its owner gets the next epoch; a transaction of an older
/// one is refused, even where it lost its claim without knowing.
final class StreamOwnership {
    private final Bytes32 stream;
    private final long epoch;

    private StreamOwnership(Bytes32 stream, long epoch) {
        this.stream = stream;
        this.epoch = epoch;
    }

    /// Replaces whoever owned the stream before.
    static StreamOwnership take(Connection connection, Bytes32 stream) throws SQLException {
        Database.update(
                connection,
                "INSERT INTO receipt_stream (stream, epoch, appends) VALUES (?, 1, 0)"
                        + " ON CONFLICT (stream) DO UPDATE SET epoch = receipt_stream.epoch + 1",
                stream);
        return Database.query(
                        connection,
                        "SELECT epoch FROM receipt_stream WHERE stream = ?",
                        row -> new StreamOwnership(stream, row.getLong("epoch")),
                        stream)
                .getFirst();
    }

    /// Locks the stream for its owner until the transaction ends.
    ///
    /// @throws LedgerException with [Reason#IN_USE] where another opening owns the stream by now
    void lock(Connection connection) throws SQLException {
        int locked = Database.update(
                connection,
                "UPDATE receipt_stream SET appends = appends + 1 WHERE stream = ? AND epoch = ?",
                stream,
                epoch);
        if (locked == 0) {
            throw new LedgerException(
                    Reason.IN_USE, "stream " + stream + " was opened by another process, which owns it now");
        }
    }

    /// Locks a stream for someone beside its owner until the transaction ends.
    static void lockBesideOwner(Connection connection, Bytes32 stream) throws SQLException {
        Database.update(
                connection,
                "INSERT INTO receipt_stream (stream, epoch, appends) VALUES (?, 0, 1)"
                        + " ON CONFLICT (stream) DO UPDATE SET appends = receipt_stream.appends + 1",
                stream);
    }
}
