package org.openlora.meter.database;

import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.openlora.meter.database.LedgerException.Reason;
import org.openlora.meter.evm.Bytes32;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A session's lock on a name in a PostgreSQL database, on a connection of its own.
final class AdvisoryLock {
    private static final Logger LOG = LoggerFactory.getLogger(AdvisoryLock.class);
    private static final int ANSWER_SECONDS = 2;

    private final DataSource source;
    private final long key;
    private final String what;
    private Connection connection;

    AdvisoryLock(DataSource source, Bytes32 name, String what) {
        this.source = source;
        this.key = ByteBuffer.wrap(name.bytes()).getLong();
        this.what = what;
        try {
            this.connection = locked();
        } catch (SQLException e) {
            throw new LedgerException(
                    PostgresFailures.reason(e), "cannot claim " + what + ": " + Database.firstLine(e), e);
        }
    }

    private Connection locked() throws SQLException {
        Connection fresh = source.getConnection();
        try {
            if (Database.query(fresh, "SELECT pg_try_advisory_lock(?) AS locked", row -> row.getBoolean("locked"), key)
                    .getFirst()) {
                return fresh;
            }
        } catch (SQLException e) {
            fresh.close();
            throw e;
        }
        fresh.close();
        throw new LedgerException(Reason.IN_USE, what + " is in use by another process");
    }

    /// Takes the lock again where its connection was lost.
    ///
    /// @throws LedgerException where another process has it now
    synchronized void renew() {
        try {
            if (!connection.isValid(ANSWER_SECONDS)) {
                connection.close();
                connection = locked();
            }
        } catch (SQLException e) {
            LOG.debug("{} is not claimed again yet: {}", what, Database.firstLine(e)); // whoever waits asks again
        }
    }

    synchronized void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            LOG.debug("the claim on {} ended before it was given back: {}", what, Database.firstLine(e));
        }
    }
}
