package org.openlora.meter.database;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.flywaydb.core.api.FlywayException;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.database.LedgerException.Reason;
import org.openlora.meter.evm.Bytes32;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteConfig.JournalMode;
import org.sqlite.SQLiteConfig.SynchronousMode;
import org.sqlite.SQLiteConfig.TransactionMode;
import org.sqlite.SQLiteDataSource;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/// One SQLite file with one connection that writes and one that reads, each used by one thread at a time.
/// Write-ahead log with `synchronous=FULL`: a commit that returned survives a power cut. `secure_delete`: dropped
/// token ids are overwritten, not only unlinked.
final class SqliteDatabase extends Database {
    private static final int BUSY_MILLIS = 10_000;
    /// Ids and hashes are random, so their indices are touched all over.
    private static final int CACHE_KIBIBYTES = 64 << 10;
    /// Of 4 KiB. Folding the log into the file waits for the disk twice more; recovery reads at most this much.
    private static final int PAGES_BETWEEN_CHECKPOINTS = 8_192;
    private static final Map<String, String> TYPES = Map.of(
            "bytes", "BLOB",
            "long", "INTEGER",
            "number", "TEXT",
            "id", "INTEGER PRIMARY KEY AUTOINCREMENT");

    private final Path file;
    private final Connection writer;
    private final Connection reader;
    private final ReentrantLock writing = new ReentrantLock();
    private final ReentrantLock reading = new ReentrantLock();

    private SqliteDatabase(Path file, Connection writer, Connection reader) {
        this.file = file;
        this.writer = writer;
        this.reader = reader;
    }

    static SqliteDatabase open(DatabaseLocation.SqliteFile location) {
        Path file = location.file();
        SQLiteDataSource source = source(file, TransactionMode.IMMEDIATE);
        try {
            migrate(source, "sqlite", TYPES);
            Connection writer = source.getConnection();
            try {
                execute(writer, "PRAGMA wal_autocheckpoint = " + PAGES_BETWEEN_CHECKPOINTS);
                return new SqliteDatabase(
                        file, writer, source(file, TransactionMode.DEFERRED).getConnection());
            } catch (SQLException e) {
                writer.close();
                throw e;
            }
        } catch (FlywayException | SQLException e) {
            throw new LedgerException(reason(e), "cannot open the ledger " + file + ": " + firstLine(e), e);
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static SQLiteDataSource source(Path file, TransactionMode transactions) {
        SQLiteConfig config = new SQLiteConfig();
        config.setJournalMode(JournalMode.WAL);
        config.setSynchronous(SynchronousMode.FULL);
        config.setTransactionMode(transactions);
        config.enforceForeignKeys(true);
        config.setBusyTimeout(BUSY_MILLIS);
        config.setPragma(SQLiteConfig.Pragma.SECURE_DELETE, "true");
        config.setCacheSize(-CACHE_KIBIBYTES);
        SQLiteDataSource source = new SQLiteDataSource(config);
        source.setUrl("jdbc:sqlite:" + file);
        return source;
    }

    @Override
    public <T extends @Nullable Object> T write(Work<T> work, Runnable committed) {
        writing.lock();
        try {
            T result = transaction(writer, work);
            committed.run();
            return result;
        } catch (SQLException e) {
            throw new LedgerException(reason(e), "cannot write to the ledger " + file + ": " + firstLine(e), e);
        } finally {
            writing.unlock();
        }
    }

    @Override
    public <T extends @Nullable Object> T read(Work<T> work) {
        reading.lock();
        try {
            // A query within a read sees what the read sees.
            return reading.getHoldCount() > 1 ? work.run(reader) : transaction(reader, work);
        } catch (SQLException e) {
            throw new LedgerException(reason(e), "cannot read the ledger " + file + ": " + firstLine(e), e);
        } finally {
            reading.unlock();
        }
    }

    private static <T extends @Nullable Object> T transaction(Connection connection, Work<T> work) throws SQLException {
        connection.setAutoCommit(false);
        try {
            T result = work.run(connection);
            connection.commit();
            return result;
        } catch (SQLException | RuntimeException | Error e) {
            connection.rollback();
            throw e;
        } finally {
            connection.setAutoCommit(true);
        }
    }

    /// A lock on a file beside the database, named by the claim. It goes with the process, however it ends.
    @Override
    public Claim claim(Bytes32 name, String what) {
        Path lock =
                file.resolveSibling(file.getFileName() + "-" + name.toString().substring(2, 18) + ".lock");
        try {
            FileChannel channel = FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (!tryLock(channel)) {
                channel.close();
                throw new LedgerException(Reason.IN_USE, what + " is in use by another process");
            }
            return () -> release(lock, channel);
        } catch (IOException e) {
            throw new LedgerException(Reason.OTHER, "cannot lock " + lock + ": " + e.getMessage(), e);
        }
    }

    private static boolean tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            return false; // held by this very process
        }
    }

    private static void release(Path lock, FileChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            throw new LedgerException(Reason.OTHER, "cannot release " + lock + ": " + e.getMessage(), e);
        }
    }

    /// Folds the write-ahead log into the file, so that dropped token ids do not linger in it.
    @Override
    public void close() {
        writing.lock();
        reading.lock();
        try {
            reader.close();
            try {
                execute(writer, "PRAGMA wal_checkpoint(TRUNCATE)");
            } finally {
                writer.close();
            }
        } catch (SQLException e) {
            throw new LedgerException(reason(e), "cannot close the ledger " + file + ": " + firstLine(e), e);
        } finally {
            reading.unlock();
            writing.unlock();
        }
    }

    private static Reason reason(Throwable failure) {
        for (Throwable e = failure; e != null; e = e.getCause()) {
            if (e instanceof SQLiteException sqlite) {
                return reason(sqlite.getResultCode());
            }
        }
        return Reason.OTHER;
    }

    /// The primary result code is the lowest byte of an extended one.
    private static Reason reason(SQLiteErrorCode code) {
        return switch (SQLiteErrorCode.getErrorCode(code.code & 0xff)) {
            case SQLITE_FULL -> Reason.FULL;
            case SQLITE_READONLY -> Reason.READ_ONLY;
            case SQLITE_BUSY, SQLITE_LOCKED -> Reason.IN_USE;
            case SQLITE_CORRUPT, SQLITE_NOTADB -> Reason.DAMAGED;
            case SQLITE_CANTOPEN, SQLITE_IOERR -> Reason.UNREACHABLE;
            default -> Reason.OTHER;
        };
    }
}
