package org.openlora.meter.database;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// A ledger's database. SQL is written once for both kinds: `BLOB`s and `BYTEA`s are bound as bytes, amounts and
/// times as `long`, sums beyond 64 bits as [BigInteger] (column type `${number}` of the migrations: exact, but not
/// to be summed by the database, which SQLite would do in floating point). Safe for use by many threads.
public abstract sealed class Database implements AutoCloseable permits SqliteDatabase, PostgresDatabase {
    /// What runs in one transaction. It may be run again from its beginning where another transaction came
    /// between or the connection was lost, so it changes nothing but the database, and asks the database by this
    /// connection alone.
    @FunctionalInterface
    public interface Work<T extends @Nullable Object> {
        T run(Connection connection) throws SQLException;
    }

    /// Reads the row that the result set stands on.
    @FunctionalInterface
    public interface RowReader<T> {
        T read(ResultSet row) throws SQLException;
    }

    /// A name that one process holds at a time, until it is closed or the process ends.
    public interface Claim extends AutoCloseable {
        @Override
        void close();
    }

    /// Opens the database and brings its tables up to date.
    ///
    /// @throws LedgerException where that cannot be done
    public static Database open(DatabaseLocation location) {
        return switch (location) {
            case DatabaseLocation.SqliteFile sqlite -> SqliteDatabase.open(sqlite);
            case DatabaseLocation.PostgresServer server -> PostgresDatabase.open(server);
        };
    }

    /// Runs work in one transaction that is as if no other ran beside it, and commits it: when this returns, it
    /// survives a power cut. `committed` runs before another thread of this process writes.
    ///
    /// @throws LedgerException where it could not be committed; nothing of it is kept then, but for
    ///     [Reason#OUTCOME_UNKNOWN]
    public abstract <T extends @Nullable Object> T write(Work<T> work, Runnable committed);

    /// Runs work in one transaction and commits it.
    public final <T extends @Nullable Object> T write(Work<T> work) {
        return write(work, () -> {});
    }

    /// Runs queries that all see the same state.
    public abstract <T extends @Nullable Object> T read(Work<T> work);

    /// Keeps a name to this process.
    ///
    /// @throws LedgerException with [Reason#IN_USE] where another process or opening has it
    public abstract Claim claim(Bytes32 name, String what);

    @Override
    public abstract void close();

    /// Reads all rows of a query.
    public final <T> List<T> query(String sql, RowReader<T> rows, Object... arguments) {
        return read(connection -> query(connection, sql, rows, arguments));
    }

    /// Reads all rows of a query within a transaction.
    public static <T> List<T> query(Connection connection, String sql, RowReader<T> rows, Object... arguments)
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

    /// Changes rows.
    ///
    /// @return how many
    public static int update(Connection connection, String sql, @Nullable Object... arguments) throws SQLException {
        try (PreparedStatement statement = prepare(connection, sql, arguments)) {
            return statement.executeUpdate();
        }
    }

    private static PreparedStatement prepare(Connection connection, String sql, @Nullable Object... arguments)
            throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        bind(statement, arguments);
        return statement;
    }

    /// Binds all arguments of a statement: [Bytes32], [Address], bytes, `long`, `int`, text, [BigInteger] or null.
    public static void bind(PreparedStatement statement, @Nullable Object... arguments) throws SQLException {
        for (int i = 0; i < arguments.length; i++) {
            switch (arguments[i]) {
                case null -> statement.setObject(i + 1, null);
                case Bytes32 word -> statement.setBytes(i + 1, word.bytes());
                case Address address -> statement.setBytes(i + 1, address.bytes());
                case byte[] bytes -> statement.setBytes(i + 1, bytes);
                case Long number -> statement.setLong(i + 1, number);
                case Integer number -> statement.setInt(i + 1, number);
                case BigInteger number -> statement.setBigDecimal(i + 1, new BigDecimal(number));
                case String text -> statement.setString(i + 1, text);
                default -> throw new IllegalArgumentException("no SQL type for " + arguments[i]);
            }
        }
    }

    /// A column of 32 bytes.
    public static Bytes32 word(ResultSet row, String column) throws SQLException {
        return Bytes32.of(row.getBytes(column));
    }

    /// A column of type `${number}`.
    public static BigInteger number(ResultSet row, String column) throws SQLException {
        return row.getBigDecimal(column).toBigIntegerExact();
    }

    /// Brings the tables up to date. Each kind has a folder of its own for what only it can say; one is common.
    static void migrate(DataSource source, String dialect, Map<String, String> types) {
        Flyway.configure(Database.class.getClassLoader())
                .dataSource(source)
                .locations("classpath:db/migration/" + dialect, "classpath:db/migration/common")
                .placeholders(types)
                .load()
                .migrate();
    }

    static String firstLine(Exception e) {
        return String.valueOf(e.getMessage())
                .lines()
                .findFirst()
                .orElse(e.getClass().getSimpleName());
    }
}
