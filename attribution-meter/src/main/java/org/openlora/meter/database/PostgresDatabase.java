package org.openlora.meter.database;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.flywaydb.core.api.FlywayException;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.database.LedgerException.Reason;
import org.openlora.meter.evm.Bytes32;
import org.postgresql.ds.PGSimpleDataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A database of a PostgreSQL server. Writing transactions are serialisable and run again where another came
/// between, or where the connection was lost. Each leaves a token in a row of this opening's own, so that after a
/// connection that ended in the middle of a commit the database itself says whether the commit was made.
final class PostgresDatabase extends Database {
    private static final Logger LOG = LoggerFactory.getLogger(PostgresDatabase.class);
    /// How long one transaction is tried: a server that restarts is back by then.
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);

    private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
    private static final long LONGEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
    private static final int READERS = 4;
    private static final Map<String, String> TYPES = Map.of(
            "bytes", "BYTEA",
            "long", "BIGINT",
            "number", "NUMERIC(38)",
            "id", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY");

    private final DatabaseLocation.PostgresServer location;
    private final HikariDataSource writer;
    private final HikariDataSource readers;
    private final String opening = UUID.randomUUID().toString();
    private final ReentrantLock writing = new ReentrantLock();
    private final List<AdvisoryLock> locks = new CopyOnWriteArrayList<>();

    private PostgresDatabase(
            DatabaseLocation.PostgresServer location, HikariDataSource writer, HikariDataSource readers) {
        this.location = location;
        this.writer = writer;
        this.readers = readers;
    }

    static PostgresDatabase open(DatabaseLocation.PostgresServer location) {
        try {
            migrate(source(location), "postgresql", TYPES);
        } catch (FlywayException e) {
            SQLException cause = PostgresFailures.sqlCause(e);
            throw new LedgerException(
                    PostgresFailures.reason(cause),
                    "cannot open the ledger of " + location + ": " + firstLine(cause == null ? e : cause),
                    e);
        }
        PostgresDatabase database = new PostgresDatabase(
                location,
                pool(location, "ledger-writer", 1, "TRANSACTION_SERIALIZABLE", false),
                pool(location, "ledger-readers", READERS, "TRANSACTION_REPEATABLE_READ", true));
        try {
            database.forgetOldOpenings();
            return database;
        } catch (RuntimeException e) {
            database.close();
            throw e;
        }
    }

    private static HikariDataSource pool(
            DatabaseLocation.PostgresServer location, String name, int size, String isolation, boolean readOnly) {
        HikariConfig config = new HikariConfig();
        config.setDataSource(source(location));
        config.setPoolName(name);
        config.setMaximumPoolSize(size);
        config.setMinimumIdle(1);
        config.setInitializationFailTimeout(-1); // connections are opened, and waited for, where they are used
        config.setConnectionTimeout(TimeUnit.SECONDS.toMillis(2));
        config.setValidationTimeout(TimeUnit.SECONDS.toMillis(1));
        config.setTransactionIsolation(isolation);
        config.setReadOnly(readOnly);
        config.setAutoCommit(false);
        return new HikariDataSource(config);
    }

    private static PGSimpleDataSource source(DatabaseLocation.PostgresServer location) {
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setUrl(location.url());
        source.setUser(location.user());
        if (!location.password().isEmpty()) {
            source.setPassword(location.password());
        }
        source.setApplicationName("openlora");
        source.setConnectTimeout(5);
        source.setTcpKeepAlive(true);
        source.setReWriteBatchedInserts(true);
        // Whatever the server's default: a commit that returned has reached its disk, and a client that vanished frees
        // its locks within a minute.
        source.setOptions("-c synchronous_commit=on -c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10"
                + " -c tcp_keepalives_count=3");
        return source;
    }

    /// A process that was killed left its row; a commit is asked for seconds after it, not weeks.
    private void forgetOldOpenings() {
        write(connection -> update(
                connection, "DELETE FROM opening WHERE last_write < now() - interval '30 days' AND id <> ?", opening));
    }

    /// What is known of one try of a transaction.
    private static final class Try<T extends @Nullable Object> {
        final String token = UUID.randomUUID().toString();
        boolean committing;
        boolean committed;

        @Nullable
        T result;
    }

    @Override
    public <T extends @Nullable Object> T write(Work<T> work, Runnable committed) {
        writing.lock();
        try {
            T result = written(work);
            committed.run();
            return result;
        } finally {
            writing.unlock();
        }
    }

    @SuppressWarnings("NullAway") // a result is null only where T may be
    private <T extends @Nullable Object> T written(Work<T> work) {
        Patience patience = new Patience();
        while (true) {
            Try<T> attempt = new Try<>();
            try {
                run(work, attempt);
                return attempt.result;
            } catch (SQLException e) {
                boolean lost = PostgresFailures.isConnection(e);
                if (attempt.committed || (attempt.committing && lost && wasCommitted(attempt.token, patience, e))) {
                    return attempt.result;
                }
                if (!(lost || PostgresFailures.cameBetween(e)) || !patience.left()) {
                    throw failed("write to", e);
                }
                LOG.debug("a transaction begins again: {}", firstLine(e));
                patience.pause();
                if (lost) {
                    locks.forEach(AdvisoryLock::renew);
                }
            }
        }
    }

    private <T extends @Nullable Object> void run(Work<T> work, Try<T> attempt) throws SQLException {
        try (Connection connection = writer.getConnection()) { // closing rolls back what was not committed
            attempt.result = work.run(connection);
            update(
                    connection,
                    "INSERT INTO opening (id, token, last_write) VALUES (?, ?, now())"
                            + " ON CONFLICT (id) DO UPDATE SET token = excluded.token, last_write = now()",
                    opening,
                    attempt.token);
            attempt.committing = true;
            connection.commit();
            attempt.committed = true;
        }
    }

    /// Asks the database about a commit whose answer got lost. The row's lock makes the question wait for a commit
    /// that is still on its way.
    private boolean wasCommitted(String token, Patience patience, SQLException lost) {
        while (true) {
            try (Connection connection = writer.getConnection()) {
                update(
                        connection,
                        "INSERT INTO opening (id, token, last_write) VALUES (?, '', now()) ON CONFLICT (id) DO NOTHING",
                        opening);
                String last = query(
                                connection,
                                "SELECT token FROM opening WHERE id = ? FOR UPDATE",
                                row -> row.getString("token"),
                                opening)
                        .getFirst();
                connection.commit();
                LOG.warn(
                        "the connection ended in a commit, which was {}: {}",
                        last.equals(token) ? "made" : "not made and begins again",
                        firstLine(lost));
                return last.equals(token);
            } catch (SQLException e) {
                if (!patience.left()) {
                    throw new LedgerException(
                            Reason.OUTCOME_UNKNOWN,
                            "the ledger of " + location + " was lost in the middle of a commit, which may or may not"
                                    + " have been made: " + firstLine(e),
                            e);
                }
                patience.pause();
            }
        }
    }

    @Override
    public <T extends @Nullable Object> T read(Work<T> work) {
        Patience patience = new Patience();
        while (true) {
            try (Connection connection = readers.getConnection()) {
                T result = work.run(connection);
                connection.commit();
                return result;
            } catch (SQLException e) {
                if (!PostgresFailures.isConnection(e) || !patience.left()) {
                    throw failed("read", e);
                }
                patience.pause();
            }
        }
    }

    private LedgerException failed(String what, SQLException e) {
        return new LedgerException(
                PostgresFailures.reason(e), "cannot " + what + " the ledger of " + location + ": " + firstLine(e), e);
    }

    /// An advisory lock of a session of its own: it goes with the process, however it ends.
    @Override
    public Claim claim(Bytes32 name, String what) {
        AdvisoryLock lock = new AdvisoryLock(source(location), name, what);
        locks.add(lock);
        return () -> {
            locks.remove(lock);
            lock.close();
        };
    }

    @Override
    public void close() {
        writing.lock();
        try {
            try (Connection connection = writer.getConnection()) {
                update(connection, "DELETE FROM opening WHERE id = ?", opening);
                connection.commit();
            } catch (SQLException e) {
                LOG.debug("this opening's row stays: {}", firstLine(e)); // it is forgotten some day
            }
            locks.forEach(AdvisoryLock::close);
            readers.close();
            writer.close();
        } finally {
            writing.unlock();
        }
    }

    /// How long something is tried, with pauses that grow and differ between processes.
    private static final class Patience {
        private final long deadline = System.nanoTime() + PATIENCE_NANOS;
        private long pauseNanos = FIRST_PAUSE_NANOS;

        boolean left() {
            return System.nanoTime() < deadline;
        }

        void pause() {
            LockSupport.parkNanos(ThreadLocalRandom.current().nextLong(pauseNanos / 2, pauseNanos));
            pauseNanos = Math.min(2 * pauseNanos, LONGEST_PAUSE_NANOS);
        }
    }
}
