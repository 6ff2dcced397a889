package org.openlora.meter.pricing;

import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.openlora.meter.evm.Bytes32;

/// Which price book is in force when. A request is priced by the book that is in force at the moment its last token
/// was served: of all entries that have begun, the one that began last, of equal ones the one registered last.
/// Immutable.
///
/// @param entries ascending by [Entry#ORDER]
public record PriceSchedule(List<Entry> entries) {
    /// From when on a book is in force.
    ///
    /// @param id ascending in the order of registration
    /// @param registeredAtMillis milliseconds since the epoch
    /// @param actor who registered it
    public record Entry(long id, PriceBook book, long inForceFromMillis, long registeredAtMillis, String actor) {
        /// By the moment they come into force, equal ones by registration.
        public static final Comparator<Entry> ORDER =
                Comparator.comparingLong(Entry::inForceFromMillis).thenComparingLong(Entry::id);
    }

    public PriceSchedule {
        entries = entries.stream().sorted(Entry.ORDER).toList();
    }

    /// The entry in force at a moment; empty before the first one's.
    public Optional<Entry> entryAt(long millis) {
        return entries.reversed().stream()
                .filter(entry -> entry.inForceFromMillis() <= millis)
                .findFirst();
    }

    /// The book in force at a moment; empty before the first one's.
    public Optional<PriceBook> find(long millis) {
        return entryAt(millis).map(Entry::book);
    }

    /// The book in force at a moment.
    ///
    /// @throws IllegalStateException where the first one comes into force later
    public PriceBook at(long millis) {
        return find(millis)
                .orElseThrow(() -> new IllegalStateException(
                        "no price book is in force at " + Instant.ofEpochMilli(millis) + firstOne()));
    }

    private String firstOne() {
        return entries.isEmpty()
                ? "; none is registered"
                : "; the first, '" + entries.getFirst().book().name() + "', is from "
                        + Instant.ofEpochMilli(entries.getFirst().inForceFromMillis()) + " on";
    }

    /// Whether a book was ever scheduled.
    public boolean knows(Bytes32 digest) {
        return entries.stream().anyMatch(entry -> entry.book().digest().equals(digest));
    }

    /// Until when an entry is in force; empty for the last one.
    public Optional<Instant> endOf(Entry entry) {
        return entries.stream()
                .filter(later -> Entry.ORDER.compare(later, entry) > 0)
                .map(later -> Instant.ofEpochMilli(later.inForceFromMillis()))
                .findFirst();
    }
}
