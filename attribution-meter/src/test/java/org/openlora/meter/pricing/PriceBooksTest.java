package org.openlora.meter.pricing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.database.TestDatabase;
import org.openlora.meter.pricing.PriceSchedule.Entry;

@ParameterizedClass
@EnumSource(TestDatabase.class)
class PriceBooksTest {
    private static final long NOW = Instant.parse("2026-06-15T12:00:00Z").toEpochMilli();
    private static final long NOTICE = PriceBooks.NOTICE.toMillis();
    private static final PriceBook FIRST = PriceBooksFixture.book("first", 1, "2026-01-01T00:00:00Z");
    private static final PriceBook LATE = PriceBooksFixture.book("late", 2, "2026-03-01T00:00:00Z");
    private static final PriceBook FUTURE = PriceBooksFixture.book("future", 3, "2027-01-01T00:00:00Z");

    private final TestDatabase kind;

    @TempDir
    private Path folder;

    private Database database;
    private PriceBooks books;

    PriceBooksTest(TestDatabase kind) {
        this.kind = kind;
    }

    @BeforeEach
    void open() {
        database = Database.open(kind.location(folder));
        books = PriceBooks.of(database);
    }

    @AfterEach
    void close() {
        database.close();
    }

    @Test
    void register_firstBook_isInForceFromItsOwnDate() {
        Entry entry = books.register(FIRST, NOW, "ada");
        assertThat(entry.inForceFromMillis()).isEqualTo(FIRST.effectiveFrom().toEpochMilli());
        assertThat(books.schedule().at(entry.inForceFromMillis())).isEqualTo(FIRST);
        assertThat(books.schedule().find(entry.inForceFromMillis() - 1)).isEmpty();
    }

    @Test
    void register_lateBook_takesNoticeAndNeverThePast() {
        books.register(FIRST, NOW, "ada");
        books.register(LATE, NOW, "ada");
        PriceSchedule schedule = books.schedule();
        assertThat(schedule.at(LATE.effectiveFrom().toEpochMilli())).isEqualTo(FIRST);
        assertThat(schedule.at(NOW + NOTICE - 1)).isEqualTo(FIRST);
        assertThat(schedule.at(NOW + NOTICE)).isEqualTo(LATE);
    }

    @Test
    void register_futureBook_waitsForItsDate() {
        books.register(FIRST, NOW, "ada");
        books.register(FUTURE, NOW, "ada");
        long from = FUTURE.effectiveFrom().toEpochMilli();
        assertThat(books.schedule().at(from - 1)).isEqualTo(FIRST);
        assertThat(books.schedule().at(from)).isEqualTo(FUTURE);
    }

    @Test
    void register_again_isOneEntry() {
        Entry first = books.register(FIRST, NOW, "ada");
        assertThat(books.register(FIRST, NOW + 1_000_000, "ben")).isEqualTo(first);
        Entry future = books.register(FUTURE, NOW, "ada");
        assertThat(books.register(FUTURE, NOW + 5, "ben")).isEqualTo(future);
        assertThat(books.schedule().entries()).containsExactly(first, future);
    }

    @Test
    void register_oldBookAgain_returnsToIt() {
        books.register(FIRST, NOW, "ada");
        books.register(LATE, NOW, "ada");
        books.register(FIRST, NOW + 2 * NOTICE, "ada");
        assertThat(books.schedule().at(NOW + NOTICE)).isEqualTo(LATE);
        assertThat(books.schedule().at(NOW + 3 * NOTICE)).isEqualTo(FIRST);
        assertThat(books.schedule().entries()).hasSize(3);
    }

    @Test
    void seed_bookThatWasSuperseded_staysSo() {
        assertThat(books.seed(FIRST, NOW, "server")).isPresent();
        books.register(LATE, NOW, "ada");
        assertThat(books.seed(FIRST, NOW + 2 * NOTICE, "server")).isEmpty();
        assertThat(books.schedule().at(NOW + 3 * NOTICE)).isEqualTo(LATE);
    }

    @Test
    void refresh_seesWhatAnotherProcessRegistered() {
        books.register(FIRST, NOW, "ada");
        try (Database other = Database.open(kind.location(folder))) {
            PriceBooks.of(other).register(FUTURE, NOW, "ben");
        }
        assertThat(books.schedule().knows(FUTURE.digest())).isFalse();
        assertThat(books.refresh().knows(FUTURE.digest())).isTrue();
        assertThat(books.schedule().entries().getLast().actor()).isEqualTo("ben");
        assertThat(books.schedule().entries().getLast().book()).isEqualTo(FUTURE);
    }

    @Test
    void register_byManyAtOnce_makesOneEntryForEachBook() throws Exception {
        books.register(FIRST, NOW, "ada");
        List<Future<Entry>> all = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 12; i++) {
                all.add(threads.submit(() -> books.register(FUTURE, NOW, "ada")));
            }
        }
        for (Future<Entry> one : all) {
            assertThat(one.get()).isEqualTo(all.getFirst().get());
        }
        assertThat(books.refresh().entries()).hasSize(2);
    }

    @Test
    void entries_cannotBeChangedToABookThatIsNotKept() {
        books.register(FIRST, NOW, "ada");
        assertThatThrownBy(() -> database.write(connection -> Database.update(
                        connection,
                        "INSERT INTO price_schedule (digest, in_force_from, registered_at, actor) VALUES (?, 1, 1, 'x')",
                        FUTURE.digest())))
                .isInstanceOf(LedgerException.class);
    }
}
