package org.openlora.meter.pricing;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.openlora.meter.database.Database;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.pricing.PriceSchedule.Entry;

/// The price books of a ledger and from when each is in force, durable and append-only. A book never takes effect in
/// the past: what was served keeps its price. Safe for use by many threads and processes.
public final class PriceBooks {
    /// How the ledger files the books among its documents.
    public static final String DOCUMENT_KIND = "price-book";
    /// A book that is late takes effect this long after its registration, by when every process that serves on the
    /// ledger has read of it.
    public static final Duration NOTICE = Duration.ofSeconds(60);

    private final Database database;
    private final Map<Bytes32, PriceBook> books = new ConcurrentHashMap<>();
    private volatile PriceSchedule schedule;

    private PriceBooks(Database database) {
        this.database = database;
        this.schedule = read();
    }

    /// The books of a ledger.
    public static PriceBooks of(Database database) {
        return new PriceBooks(database);
    }

    /// The schedule as it was last read: by [#refresh] or by a registration of this process.
    public PriceSchedule schedule() {
        return schedule;
    }

    /// Reads what other processes have registered.
    public PriceSchedule refresh() {
        PriceSchedule read = read();
        schedule = read;
        return read;
    }

    /// Registers a book unless it ever was: what a server does at its start with the book of its settings, which may
    /// be older than what was registered since.
    ///
    /// @return where it stands in the schedule; empty where it stood there before
    public Optional<Entry> seed(PriceBook book, long nowMillis, String actor) {
        return refresh().knows(book.digest()) ? Optional.empty() : Optional.of(register(book, nowMillis, actor));
    }

    /// Puts a book in force from its effective date on, where that is past [#NOTICE] from now; the first book of a
    /// ledger from its date in any case. One that would be in force then anyway is not entered again.
    ///
    /// @param actor who registers it, for the record
    public Entry register(PriceBook book, long nowMillis, String actor) {
        Entry entry = database.write(connection -> register(connection, book, nowMillis, actor));
        refresh();
        return entry;
    }

    private Entry register(Connection connection, PriceBook book, long nowMillis, String actor) throws SQLException {
        PriceSchedule present = read(connection);
        long effective = book.effectiveFrom().toEpochMilli();
        long from = present.entries().isEmpty() ? effective : Math.max(effective, nowMillis + NOTICE.toMillis());
        Optional<Entry> same =
                present.entryAt(from).filter(entry -> entry.book().digest().equals(book.digest()));
        if (same.isPresent()) {
            return same.get();
        }
        Database.update(
                connection,
                "INSERT INTO document (digest, kind, json) VALUES (?, ?, ?) ON CONFLICT (digest) DO NOTHING",
                book.digest(),
                DOCUMENT_KIND,
                book.json());
        Database.update(
                connection,
                "INSERT INTO price_schedule (digest, in_force_from, registered_at, actor) VALUES (?, ?, ?, ?)",
                book.digest(),
                from,
                nowMillis,
                actor);
        return read(connection).entryAt(from).orElseThrow();
    }

    private PriceSchedule read() {
        return database.read(this::read);
    }

    private PriceSchedule read(Connection connection) throws SQLException {
        List<Entry> entries = Database.query(
                connection,
                "SELECT s.id, s.digest, s.in_force_from, s.registered_at, s.actor, d.json FROM price_schedule s"
                        + " JOIN document d ON d.digest = s.digest ORDER BY s.id",
                row -> new Entry(
                        row.getLong("id"),
                        book(Database.word(row, "digest"), row.getString("json")),
                        row.getLong("in_force_from"),
                        row.getLong("registered_at"),
                        row.getString("actor")));
        return new PriceSchedule(entries);
    }

    private PriceBook book(Bytes32 digest, String json) {
        return books.computeIfAbsent(digest, key -> PriceBook.parse("price book " + Sha256.text(key), json));
    }
}
