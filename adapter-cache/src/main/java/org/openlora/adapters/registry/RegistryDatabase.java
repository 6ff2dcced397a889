package org.openlora.adapters.registry;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.AdapterManifest;
import org.openlora.adapters.AdapterSize;
import org.openlora.adapters.Digest;
import org.openlora.adapters.OneLine;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteConfig.JournalMode;
import org.sqlite.SQLiteConfig.LockingMode;
import org.sqlite.SQLiteConfig.SynchronousMode;
import org.sqlite.SQLiteDataSource;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/// The registry's memory: one SQLite file, held by one process through one connection.
///
/// Every method that writes returns only when its transaction has reached the disk; a crash at any point leaves
/// it done or not begun. Safe for use by many threads, one at a time.
final class RegistryDatabase implements AutoCloseable {
    /// Versions of a name that are remembered, the newest.
    static final int HISTORY = 100;

    private final Path file;
    private final RegistryStep.Observer observer;
    private final Connection connection;
    private final ReentrantLock using = new ReentrantLock();

    @FunctionalInterface
    private interface Work<T> {
        T run() throws SQLException;
    }

    @FunctionalInterface
    private interface RowReader<T> {
        T read(ResultSet row) throws SQLException;
    }

    /// Whose a name is; exactly one of the two is not empty.
    private record Owner(String root, String tenant) {
        static Owner folders(Path root) {
            return new Owner(root.toString(), "");
        }

        static Owner tenant(String tenant) {
            return new Owner("", tenant);
        }
    }

    /// A folder as it was last seen.
    record KnownFolder(@Nullable Digest fingerprint, AdapterEntry entry) {}

    /// A name that a tenant registered.
    record KnownAlias(String tenant, AdapterVersion version, String origin) {}

    private RegistryDatabase(Path file, Connection connection, RegistryStep.Observer observer) {
        this.file = file;
        this.connection = connection;
        this.observer = observer;
    }

    /// Creates the file or brings its tables up to date.
    ///
    /// @throws RegistryException where another process has it open or it cannot be used
    static RegistryDatabase open(Path file, RegistryStep.Observer observer) {
        try {
            Flyway.configure(RegistryDatabase.class.getClassLoader())
                    .dataSource(source(file, LockingMode.NORMAL))
                    .locations("classpath:db/migration/adapters")
                    .load()
                    .migrate();
            Connection connection = source(file, LockingMode.EXCLUSIVE).getConnection();
            try {
                takeLock(connection);
            } catch (SQLException e) {
                connection.close();
                throw e;
            }
            return new RegistryDatabase(file, connection, observer);
        } catch (FlywayException | SQLException e) {
            throw new RegistryException(
                    isBusy(e)
                            ? "the adapter registry " + file + " is in use by another process: stop it"
                            : "cannot open the adapter registry " + file + ": " + OneLine.reason(e),
                    e);
        }
    }

    private static boolean isBusy(Throwable e) {
        return (e instanceof SQLiteException sqlite && sqlite.getResultCode() == SQLiteErrorCode.SQLITE_BUSY)
                || (e.getCause() != null && isBusy(e.getCause()));
    }

    private static SQLiteDataSource source(Path file, LockingMode locking) {
        SQLiteConfig config = new SQLiteConfig();
        config.setLockingMode(locking);
        config.setJournalMode(JournalMode.WAL);
        config.setSynchronous(SynchronousMode.FULL);
        config.enforceForeignKeys(true);
        // Whoever else has it open keeps it: waiting would not help.
        config.setBusyTimeout(0);
        SQLiteDataSource source = new SQLiteDataSource(config);
        source.setUrl("jdbc:sqlite:" + file);
        return source;
    }

    /// The first write takes the lock, which goes with the process.
    private static void takeLock(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("BEGIN IMMEDIATE");
            statement.execute("COMMIT");
        }
    }

    /// The folders that were known under a root.
    List<KnownFolder> folders(Path root) {
        return read(() -> query(
                "SELECT alias.name, fingerprint, failure_code, failure, number, digest, manifest, resident_bytes,"
                        + " largest_block_bytes, largest_rank, registered_at"
                        + " FROM alias LEFT JOIN version ON version.alias = alias.id"
                        + " AND number = (SELECT max(number) FROM version WHERE alias = alias.id)"
                        + " WHERE root = ? AND tenant = '' ",
                row -> new KnownFolder(digest(row.getBytes("fingerprint")), entry(row)),
                root.toString()));
    }

    private static AdapterEntry entry(ResultSet row) throws SQLException {
        String failure = row.getString("failure");
        return failure == null
                ? new AdapterEntry.Ready(version(row))
                : new AdapterEntry.Failed(
                        row.getString("name"),
                        new AdapterException(Code.valueOf(row.getString("failure_code")), failure));
    }

    private static AdapterVersion version(ResultSet row) throws SQLException {
        String manifest = row.getString("manifest");
        return new AdapterVersion(
                row.getString("name"),
                row.getInt("number"),
                Instant.ofEpochMilli(row.getLong("registered_at")),
                Digest.of(row.getBytes("digest")),
                manifest == null ? null : AdapterManifest.ofJson(manifest),
                new AdapterSize(row.getLong("resident_bytes"), row.getLong("largest_block_bytes")),
                row.getInt("largest_rank"));
    }

    /// The names that tenants registered.
    List<KnownAlias> aliases() {
        return read(() -> query(
                "SELECT tenant, alias.name, number, digest, manifest, resident_bytes, largest_block_bytes,"
                        + " largest_rank, origin, registered_at FROM alias JOIN version ON version.alias = alias.id"
                        + " AND number = (SELECT max(number) FROM version WHERE alias = alias.id)"
                        + " WHERE root = ''",
                row -> new KnownAlias(row.getString("tenant"), version(row), row.getString("origin"))));
    }

    /// The newest versions of a folder's name, the newest first.
    List<PastVersion> history(Path root, String name) {
        return history(Owner.folders(root), name);
    }

    /// The newest versions of a tenant's name, the newest first.
    List<PastVersion> history(String tenant, String name) {
        return history(Owner.tenant(tenant), name);
    }

    private List<PastVersion> history(Owner owner, String name) {
        return read(() -> query(
                "SELECT number, digest, manifest_digest, registered_at FROM version WHERE alias ="
                        + " (SELECT id FROM alias WHERE root = ? AND tenant = ? AND name = ?) ORDER BY number DESC",
                row -> new PastVersion(
                        row.getInt("number"),
                        Digest.of(row.getBytes("digest")),
                        Digest.of(row.getBytes("manifest_digest")),
                        Instant.ofEpochMilli(row.getLong("registered_at"))),
                owner.root(),
                owner.tenant(),
                name));
    }

    /// Records what folders were found to hold and that others are gone, in one transaction.
    ///
    /// @return the entries that the names of `seen` stand for now, in the same order
    List<AdapterEntry> recordFolders(Path root, List<FolderState> seen, List<String> gone, Instant now) {
        Owner owner = Owner.folders(root);
        return write(() -> {
            for (String name : gone) {
                delete(owner, name);
            }
            List<AdapterEntry> entries = new ArrayList<>(seen.size());
            for (FolderState state : seen) {
                entries.add(recordFolder(owner, state, now));
            }
            return entries;
        });
    }

    private AdapterEntry recordFolder(Owner owner, FolderState state, Instant now) throws SQLException {
        Digest fingerprint = state.fingerprint();
        AdapterException reason = state instanceof FolderState.Broken broken ? broken.reason() : null;
        long alias = alias(owner, state.name());
        update(
                "UPDATE alias SET fingerprint = ?, failure_code = ?, failure = ? WHERE id = ?",
                fingerprint,
                reason == null ? null : reason.code().name(),
                reason == null ? null : String.valueOf(reason.getMessage()),
                alias);
        return switch (state) {
            case FolderState.Sound(String name, var _, FoundAdapter found) ->
                new AdapterEntry.Ready(append(alias, name, found, null, now));
            case FolderState.Broken broken -> new AdapterEntry.Failed(broken.name(), broken.reason());
        };
    }

    /// Records what a tenant's name stands for.
    AdapterVersion recordAlias(String tenant, String name, FoundAdapter found, String origin, Instant now) {
        return write(() -> append(alias(Owner.tenant(tenant), name), name, found, origin, now));
    }

    /// Forgets a tenant's name and its history.
    void removeAlias(String tenant, String name) {
        write(() -> delete(Owner.tenant(tenant), name));
    }

    private int delete(Owner owner, String name) throws SQLException {
        return update(
                "DELETE FROM alias WHERE root = ? AND tenant = ? AND name = ?", owner.root(), owner.tenant(), name);
    }

    private long alias(Owner owner, String name) throws SQLException {
        return query(
                        // The empty update makes RETURNING give the row that was there already.
                        "INSERT INTO alias (root, tenant, name) VALUES (?, ?, ?)"
                                + " ON CONFLICT (root, tenant, name) DO UPDATE SET name = name RETURNING id",
                        row -> row.getLong("id"),
                        owner.root(),
                        owner.tenant(),
                        name)
                .getFirst();
    }

    /// The content as the next version of the name, or as its last one where it is that already.
    private AdapterVersion append(long alias, String name, FoundAdapter found, @Nullable String origin, Instant now)
            throws SQLException {
        Instant at = now.truncatedTo(ChronoUnit.MILLIS);
        record Last(int number, Digest digest, Digest manifestDigest, Instant registeredAt) {}
        List<Last> last = query(
                "SELECT number, digest, manifest_digest, registered_at FROM version WHERE alias = ?"
                        + " ORDER BY number DESC LIMIT 1",
                row -> new Last(
                        row.getInt("number"),
                        Digest.of(row.getBytes("digest")),
                        Digest.of(row.getBytes("manifest_digest")),
                        Instant.ofEpochMilli(row.getLong("registered_at"))),
                alias);
        if (!last.isEmpty()
                && last.getFirst().digest().equals(found.digest())
                && last.getFirst().manifestDigest().equals(found.manifestDigest())) {
            update(
                    "UPDATE version SET origin = ?, resident_bytes = ?, largest_block_bytes = ?, largest_rank = ?"
                            + " WHERE alias = ? AND number = ?",
                    origin,
                    found.size().bytes(),
                    found.size().largestBlockBytes(),
                    found.largestRank(),
                    alias,
                    last.getFirst().number());
            return found.as(name, last.getFirst().number(), last.getFirst().registeredAt());
        }
        AdapterVersion version =
                found.as(name, last.isEmpty() ? 1 : last.getFirst().number() + 1, at);
        AdapterManifest manifest = version.manifest();
        update(
                "INSERT INTO version (alias, number, digest, manifest_digest, manifest, resident_bytes,"
                        + " largest_block_bytes, largest_rank, origin, registered_at)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                alias,
                version.number(),
                version.digest(),
                version.manifestDigest(),
                manifest == null ? null : manifest.toJson(),
                version.size().bytes(),
                version.size().largestBlockBytes(),
                version.largestRank(),
                origin,
                at.toEpochMilli());
        update("DELETE FROM version WHERE alias = ? AND number <= ?", alias, version.number() - HISTORY);
        return version;
    }

    private <T> T write(Work<T> work) {
        using.lock();
        try {
            connection.setAutoCommit(false);
            try {
                T result = work.run();
                observer.reached(RegistryStep.BEFORE_COMMIT);
                connection.commit();
                observer.reached(RegistryStep.COMMITTED);
                return result;
            } catch (SQLException | RuntimeException | Error e) {
                connection.rollback();
                throw e;
            } finally {
                connection.setAutoCommit(true);
            }
        } catch (SQLException e) {
            throw new RegistryException("cannot write to the adapter registry " + file + ": " + OneLine.reason(e), e);
        } finally {
            using.unlock();
        }
    }

    private <T> T read(Work<T> work) {
        using.lock();
        try {
            return work.run();
        } catch (SQLException e) {
            throw new RegistryException("cannot read the adapter registry " + file + ": " + OneLine.reason(e), e);
        } finally {
            using.unlock();
        }
    }

    private <T> List<T> query(String sql, RowReader<T> rows, Object... arguments) throws SQLException {
        observer.reached(RegistryStep.QUERY);
        try (PreparedStatement statement = prepare(sql, arguments);
                ResultSet result = statement.executeQuery()) {
            List<T> list = new ArrayList<>();
            while (result.next()) {
                list.add(rows.read(result));
            }
            return list;
        }
    }

    private int update(String sql, @Nullable Object... arguments) throws SQLException {
        try (PreparedStatement statement = prepare(sql, arguments)) {
            return statement.executeUpdate();
        }
    }

    private PreparedStatement prepare(String sql, @Nullable Object... arguments) throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        for (int i = 0; i < arguments.length; i++) {
            switch (arguments[i]) {
                case null -> statement.setObject(i + 1, null);
                case Digest digest -> statement.setBytes(i + 1, digest.bytes());
                case Long number -> statement.setLong(i + 1, number);
                case Integer number -> statement.setInt(i + 1, number);
                case String text -> statement.setString(i + 1, text);
                default -> throw new IllegalArgumentException("no SQL type for " + arguments[i]);
            }
        }
        return statement;
    }

    private static @Nullable Digest digest(byte @Nullable [] bytes) {
        return bytes == null ? null : Digest.of(bytes);
    }

    @Override
    public void close() {
        using.lock();
        try {
            connection.close();
        } catch (SQLException e) {
            throw new RegistryException("cannot close the adapter registry " + file + ": " + OneLine.reason(e), e);
        } finally {
            using.unlock();
        }
    }
}
