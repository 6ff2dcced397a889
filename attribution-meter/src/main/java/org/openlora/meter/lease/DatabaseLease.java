package org.openlora.meter.lease;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.database.Database;

/// A lease in a table of a shared database, after Gray and Cheriton (1989), with a fencing epoch. Only the
/// database's clock is ever compared with the time that a lease runs out; this process measures with a clock that
/// only goes forward how long it has been since it asked. So wrong or jumping wall clocks of replicas do no harm.
///
/// A holder that pauses longer than the term finds out in two places: [#require] before it goes on, and the [Fence]
/// in each transaction, which compares the epoch. Safe for use by many threads.
public final class DatabaseLease implements Leadership, AutoCloseable {
    private final Database database;
    private final String name;
    private final String holder;
    private final Duration term;
    private final LongSupplier nanos;

    private @Nullable Held held;

    /// @param validUntilNanos of the clock that only goes forward
    private record Held(long epoch, long validUntilNanos) {}

    private record Row(String holder, long epoch, long expiresAt, long now) {}

    /// @param name of what is leased
    /// @param holder names this process, unlike any other and any earlier life of itself
    /// @param term how long a lease lasts that is not renewed: as long as nobody acts after a holder died
    public DatabaseLease(Database database, String name, String holder, Duration term) {
        this(database, name, holder, term, System::nanoTime);
    }

    DatabaseLease(Database database, String name, String holder, Duration term, LongSupplier nanos) {
        if (term.toMillis() < 1) {
            throw new IllegalArgumentException("a lease's term must be a millisecond or more, not " + term);
        }
        this.database = database;
        this.name = name;
        this.holder = holder;
        this.term = term;
        this.nanos = nanos;
    }

    /// Takes the lease where it is free, renews it where a third of its term has gone.
    ///
    /// @return whether this process holds it now
    public synchronized boolean hold() {
        Held now = held;
        if (now != null && now.validUntilNanos() - nanos.getAsLong() > term.toNanos() / 3 * 2) {
            return true;
        }
        long asked = nanos.getAsLong(); // before the database begins to count
        Optional<Long> epoch = database.write(connection -> takeOrRenew(connection, now));
        held = epoch.map(value -> new Held(value, asked + term.toNanos())).orElse(null);
        return held != null;
    }

    /// @return the epoch of the lease; empty where another holder has it
    private Optional<Long> takeOrRenew(Connection connection, @Nullable Held mine) throws SQLException {
        Optional<Row> row = row(connection);
        if (row.isEmpty()) {
            int made = Database.update(
                    connection,
                    "INSERT INTO lease (name, holder, epoch, expires_at) SELECT ?, ?, 1, millis + ? FROM clock"
                            + " WHERE true ON CONFLICT (name) DO NOTHING",
                    name,
                    holder,
                    term.toMillis());
            return made == 1 ? Optional.of(1L) : Optional.empty();
        }
        Row found = row.get();
        boolean ours =
                mine != null && found.epoch() == mine.epoch() && found.holder().equals(holder);
        if (found.expiresAt() > found.now() && !ours) {
            return Optional.empty();
        }
        // Ours, but run out: nobody took it, and still what was begun before must not go on unseen.
        long epoch = ours && found.expiresAt() > found.now() ? found.epoch() : found.epoch() + 1;
        int changed = Database.update(
                connection,
                "UPDATE lease SET holder = ?, epoch = ?, expires_at = (SELECT millis FROM clock) + ?"
                        + " WHERE name = ? AND epoch = ?",
                holder,
                epoch,
                term.toMillis(),
                name,
                found.epoch());
        return changed == 1 ? Optional.of(epoch) : Optional.empty();
    }

    private Optional<Row> row(Connection connection) throws SQLException {
        List<Row> rows = Database.query(
                connection,
                "SELECT holder, epoch, expires_at, millis FROM lease CROSS JOIN clock WHERE name = ?",
                row -> new Row(
                        row.getString("holder"),
                        row.getLong("epoch"),
                        row.getLong("expires_at"),
                        row.getLong("millis")),
                name);
        return rows.stream().findFirst();
    }

    @Override
    public void require() {
        if (!hold()) {
            throw new LeaseLostException(lost());
        }
    }

    private String lost() {
        return "the lease '" + name + "' is held by "
                + holder().filter(other -> !other.equals(holder)).orElse("another process");
    }

    /// Who holds the lease, this process or another; empty where it is free.
    public Optional<String> holder() {
        return database.read(this::row)
                .filter(row -> row.expiresAt() > row.now())
                .map(Row::holder);
    }

    /// The epoch under which this process held the lease last; 0 where it never did.
    public synchronized long epoch() {
        Held now = held;
        return now == null ? 0 : now.epoch();
    }

    /// The fence for changes that belong to this lease.
    public Fence fence() {
        return connection -> {
            long mine = epoch();
            boolean stands = row(connection)
                    .filter(row -> row.epoch() == mine && row.holder().equals(holder) && row.expiresAt() > row.now())
                    .isPresent();
            if (!stands) {
                throw new LeaseLostException("the lease '" + name + "' ran out or went to another process");
            }
        };
    }

    /// Gives the lease back, so that another process need not wait for its end.
    @Override
    public synchronized void close() {
        Held mine = held;
        held = null;
        if (mine != null) {
            database.write(connection -> Database.update(
                    connection,
                    "UPDATE lease SET expires_at = 0 WHERE name = ? AND epoch = ? AND holder = ?",
                    name,
                    mine.epoch(),
                    holder));
        }
    }
}
