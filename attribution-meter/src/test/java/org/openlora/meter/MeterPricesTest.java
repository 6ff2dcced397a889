package org.openlora.meter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.openlora.meter.database.TestDatabase;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.pricing.PriceBook;
import org.openlora.meter.pricing.PriceBooks;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.usage.UsageRow;

/// Requests are priced by the book in force when their last token was served.
@ParameterizedClass
@EnumSource(TestDatabase.class)
class MeterPricesTest {
    private final TestDatabase database;

    @TempDir
    private Path folder;

    MeterPricesTest(TestDatabase database) {
        this.database = database;
    }

    @Test
    void receipts_nameTheBookOfTheirMoment() throws IOException {
        Instant from = Instant.parse("2100-01-01T00:00:00Z");
        PriceBook dearer = book(from);
        try (Meter meter = Meter.open(MeterFixture.options(database.ledger(folder)))) {
            meter.priceBooks().register(dearer, System.currentTimeMillis(), "test");
            Receipt before = receipt(meter, "before", from.toEpochMilli() - 1);
            Receipt after = receipt(meter, "after", from.toEpochMilli());
            assertThat(before.priceBook()).isEqualTo(MeterFixture.priceBook().digest());
            assertThat(after.priceBook()).isEqualTo(dearer.digest());
            assertThat(after.price() - before.price()).isEqualTo(7);
        }
        // The settings still name the first book; the schedule holds all the same.
        try (Meter meter = Meter.open(MeterFixture.options(database.ledger(folder)))) {
            assertThat(meter.versionsFor(List.of(), from.toEpochMilli()).priceBook())
                    .isEqualTo(dearer.digest());
            assertThat(meter.versionsFor(List.of()).priceBook())
                    .isEqualTo(MeterFixture.priceBook().digest());
        }
    }

    @Test
    void open_noBookInForce_isRefused() throws IOException {
        MeterOptions shipped = MeterFixture.options(database.ledger(folder));
        MeterOptions options = new MeterOptions(
                shipped.location(),
                shipped.identity(),
                shipped.datanets(),
                shipped.encoders(),
                book(Instant.parse("2100-01-01T00:00:00Z")),
                shipped.inclusionWindow());
        assertThatThrownBy(() -> Meter.open(options))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("no price book is in force at ")
                .hasMessageEndingWith("the first, 'openlora-development', is from 2100-01-01T00:00:00Z on");
    }

    @Test
    void notice_leavesTimeToReadOfIt() {
        assertThat(PriceBooks.NOTICE).isGreaterThan(Duration.ofSeconds(30));
    }

    private static Receipt receipt(Meter meter, String request, long servedToMillis) {
        UsageRow row = Fixtures.row(
                request,
                List.of(),
                new int[] {1, 2, 3},
                new int[] {4},
                0,
                meter.versionsFor(List.of(), servedToMillis));
        row = servedTo(row, servedToMillis);
        meter.commit(row).join();
        meter.drain(MeterFixture.PATIENCE);
        return meter.queries().receiptsOf(row.requestId()).getFirst().receipt();
    }

    private static UsageRow servedTo(UsageRow row, long servedToMillis) {
        return new UsageRow(
                row.requestId(),
                row.source(),
                row.account(),
                row.payer(),
                row.servedFromMillis(),
                servedToMillis,
                row.baseDigest(),
                row.tokenizerDigest(),
                row.numericPath(),
                row.adapters(),
                row.prompt(),
                row.output(),
                row.cachedTokens(),
                row.discardedTokens(),
                row.requestSalt(),
                row.versions());
    }

    private static PriceBook book(Instant from) throws IOException {
        Path file = Path.of(System.getProperty("openlora.root", ".."), "config", "pricebook.yaml");
        return PriceBook.parse(
                "dearer",
                Files.readString(file)
                        .replace("2026-01-01T00:00:00Z", from.toString())
                        .replace("fixedPico: 1000000", "fixedPico: 1000007"));
    }
}
