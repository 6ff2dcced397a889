package org.openlora.meter.ledger;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteConfig.JournalMode;
import org.sqlite.SQLiteConfig.SynchronousMode;
import org.sqlite.SQLiteConfig.TransactionMode;
import org.sqlite.SQLiteDataSource;

/// One SQLite file with one connection that writes and one that reads, each used by one thread at a time.
/// Write-ahead log with `synchronous=FULL`: a commit that returned survives a power cut. `secure_delete`: dropped
/// token ids are overwritten, not only unlinked.
final class Database implements AutoCloseable {
    private static final int BUSY_MILLIS = 10_000;

    private final Path file;
    private final Connection writer;
    private final Connection reader;
    private final ReentrantLock writing = new ReentrantLock();
    private final ReentrantLock reading = new ReentrantLock();

    @FunctionalInterface
    interface Work<T extends @Nullable Object> {
        T run(Connection connection) throws SQLException;
    }

    @FunctionalInterface
    interface RowReader<T> {
        T read(ResultSet row) throws SQLException;
    }

    private Database(Path file, Connection writer, Connection reader) {
        this.file = file;
        this.writer = writer;
        this.reader = reader;
    }

    /// Creates the file or brings its tables up to date.
    static Database open(Path file) {
        SQLiteConfig config = new SQLiteConfig();
        config.setJournalMode(JournalMode.WAL);
        config.setSynchronous(SynchronousMode.FULL);
        config.setTransactionMode(TransactionMode.IMMEDIATE);
        config.enforceForeignKeys(true);
        config.setBusyTimeout(BUSY_MILLIS);
        config.setPragma(SQLiteConfig.Pragma.SECURE_DELETE, "true");
        SQLiteDataSource source = new SQLiteDataSource(config);
        source.setUrl("jdbc:sqlite:" + file);
        try {
            Flyway.configure(Database.class.getClassLoader())
                    .dataSource(source)
                    .locations("classpath:db/migration/sqlite")
                    .load()
                    .migrate();
            return new Database(file, source.getConnection(), source.getConnection());
        } catch (FlywayException | SQLException e) {
            throw new LedgerException("cannot open the ledger " + file + ": " + firstLine(e), e);
        }
    }

    /// Runs work in one transaction of the writing connection and commits it. `committed` runs before anyone else
    /// writes.
    <T extends @Nullable Object> T write(Work<T> work, Runnable committed) {
        writing.lock();
        try {
            writer.setAutoCommit(false);
            try {
                T result = work.run(writer);
                writer.commit();
                committed.run();
                return result;
            } catch (SQLException | RuntimeException | Error e) {
                writer.rollback();
                throw e;
            } finally {
                writer.setAutoCommit(true);
            }
        } catch (SQLException e) {
            throw new LedgerException("cannot write to the ledger " + file + ": " + firstLine(e), e);
        } finally {
            writing.unlock();
        }
    }

    <T extends @Nullable Object> T write(Work<T> work) {
        return write(work, () -> {});
    }

    <T extends @Nullable Object> T read(Work<T> work) {
        reading.lock();
        try {
            return work.run(reader);
        } catch (SQLException e) {
            throw new LedgerException("cannot read the ledger " + file + ": " + firstLine(e), e);
        } finally {
            reading.unlock();
        }
    }

    /// Reads all rows of a query.
    <T> List<T> query(String sql, RowReader<T> rows, Object... arguments) {
        return read(connection -> query(connection, sql, rows, arguments));
    }

    static <T> List<T> query(Connection connection, String sql, RowReader<T> rows, Object... arguments)
            throws SQLException {
        try (PreparedStatement statement = prepare(connection, sql, arguments);
                ResultSet result = statement.executeQuery()) {
            List<T> list = new ArrayList<>();
            while (result.next()) {
                list.add(rows.read(result));
            }
            return list;
        }
    }

    static int update(Connection connection, String sql, Object... arguments) throws SQLException {
        try (PreparedStatement statement = prepare(connection, sql, arguments)) {
            return statement.executeUpdate();
        }
    }

    private static PreparedStatement prepare(Connection connection, String sql, Object... arguments)
            throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        for (int i = 0; i < arguments.length; i++) {
            switch (arguments[i]) {
                case Bytes32 word -> statement.setBytes(i + 1, word.bytes());
                case Address address -> statement.setBytes(i + 1, address.bytes());
                case byte[] bytes -> statement.setBytes(i + 1, bytes);
                case Long number -> statement.setLong(i + 1, number);
                case Integer number -> statement.setInt(i + 1, number);
                case String text -> statement.setString(i + 1, text);
                default -> throw new IllegalArgumentException("no SQL type for " + arguments[i].getClass());
            }
        }
        return statement;
    }

    static Bytes32 word(ResultSet row, String column) throws SQLException {
        return Bytes32.of(row.getBytes(column));
    }

    /// Folds the write-ahead log into the file, so that dropped token ids do not linger in it.
    @Override
    public void close() {
        writing.lock();
        reading.lock();
        try {
            reader.close();
            try (Statement statement = writer.createStatement()) {
                statement.execute("PRAGMA wal_checkpoint(TRUNCATE)");
            } finally {
                writer.close();
            }
        } catch (SQLException e) {
            throw new LedgerException("cannot close the ledger " + file + ": " + firstLine(e), e);
        } finally {
            reading.unlock();
            writing.unlock();
        }
    }

    private static String firstLine(Exception e) {
        return String.valueOf(e.getMessage())
                .lines()
                .findFirst()
                .orElse(e.getClass().getSimpleName());
    }
}
