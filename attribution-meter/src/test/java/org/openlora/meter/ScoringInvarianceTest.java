package org.openlora.meter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.DatabaseLocation;
import org.openlora.meter.datanet.DatanetRegistry;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evidence.CorpusLibrary;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evidence.Scorer;
import org.openlora.meter.evidence.ScorerVersion;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.index.IndexStore;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.pricing.BilledUsage;
import org.openlora.meter.pricing.PayeeTable;
import org.openlora.meter.pricing.PricedUsage;
import org.openlora.meter.pricing.Pricing;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.usage.TokenHashes;
import org.openlora.meter.usage.UsageRow;

/// A receipt follows from its usage row alone: order, grouping, threads and restarts make it later, never another.
class ScoringInvarianceTest {
    private static final int ROWS = 240;

    private final Path folder;
    private final Database database;
    private final DatanetRegistry registry;

    ScoringInvarianceTest(@TempDir Path folder) {
        this.folder = folder;
        this.database = Database.open(new DatabaseLocation.SqliteFile(folder.resolve("registry.db")));
        this.registry = DatanetRegistry.open(database, folder.resolve("datanets"), InstantSource.system());
        MeterFixture.datanets().forEach(registry::register);
    }

    @AfterEach
    void close() {
        database.close();
    }

    /// What a receipt says of who is paid for what.
    record Outcome(Bytes32 attribution, long price, List<Payment> payments, Bytes32 outputHash) {}

    @Test
    void receipts_anyOrderGroupingAndRestart_areThoseOfTheRowsAlone() {
        Map<Bytes32, Outcome> expected = new HashMap<>();
        List<UsageRow> rows = rows(folder.resolve("versions"));
        rows.forEach(row -> expected.put(row.requestId(), alone(row, library())));
        for (int seed = 0; seed < 3; seed++) {
            assertThat(metered(rows, new Random(seed), folder.resolve("ledger-" + seed)))
                    .isEqualTo(expected);
        }
        assertThat(expected.values().stream().map(Outcome::attribution).distinct())
                .hasSizeGreaterThan(50);
    }

    @Test
    void holdScoring_rowsWait_andAreScoredOnceItIsResumed() {
        try (Meter meter = Meter.open(MeterFixture.options(LedgerLocation.of(folder)))) {
            meter.holdScoring();
            UsageRow row = MeterFixture.row(meter, 1);
            meter.commit(row).join();
            assertThatThrownBy(() -> meter.drain(Duration.ofMillis(50)))
                    .hasMessageContaining("1 usage rows are not scored yet");
            assertThat(meter.queries().receiptsOf(row.requestId())).isEmpty();

            meter.resumeScoring();
            meter.drain(MeterFixture.PATIENCE);
            assertThat(meter.queries().receiptsOf(row.requestId())).hasSize(1);
        }
    }

    @Test
    void score_manyThreadsOnOneLibrary_areThoseOfOne() throws InterruptedException {
        List<UsageRow> rows = rows(folder.resolve("versions"));
        Map<Bytes32, Outcome> expected = new HashMap<>();
        rows.forEach(row -> expected.put(row.requestId(), alone(row, library())));
        for (int threads : new int[] {2, 5, 16}) {
            CorpusLibrary shared = library();
            List<UsageRow> shuffled = new ArrayList<>(rows);
            Collections.shuffle(shuffled, new Random(threads));
            Map<Bytes32, Outcome> actual = new ConcurrentHashMap<>();
            try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
                shuffled.forEach(row -> pool.execute(() -> actual.put(row.requestId(), alone(row, shared))));
            }
            assertThat(actual).as("%d threads", threads).isEqualTo(expected);
        }
    }

    private CorpusLibrary library() {
        return new CorpusLibrary(
                registry, new IndexStore(folder.resolve("indices")), Map.of(Fixtures.TOKENIZER, Fixtures.ENCODER));
    }

    private static List<UsageRow> rows(Path folder) {
        try (Meter meter = Meter.open(MeterFixture.options(LedgerLocation.of(folder)))) {
            return IntStream.range(0, ROWS)
                    .mapToObj(number -> MeterFixture.row(meter, number))
                    .toList();
        }
    }

    private static Outcome alone(UsageRow row, CorpusLibrary library) {
        ScorerVersion version = ScorerVersion.of(row.versions().scorer());
        AttributionRecord record = Scorer.score(
                row,
                library.lineage(row.versions().datanets(), row.tokenizerDigest(), version),
                MeterFixture.priceBook().rules());
        PricedUsage priced = Pricing.price(
                BilledUsage.of(row), record, MeterFixture.priceBook(), PayeeTable.of(MeterFixture.datanets()));
        return new Outcome(
                record.hash(),
                priced.pricePico(),
                priced.payments(),
                TokenHashes.output(row.requestSalt(), row.output()));
    }

    /// Commits the rows in a random order from several threads, closing and opening the meter in between; what a
    /// closed meter left unscored waits in the ledger with its token ids.
    private static Map<Bytes32, Outcome> metered(List<UsageRow> rows, Random random, Path ledger) {
        List<UsageRow> shuffled = new ArrayList<>(rows);
        Collections.shuffle(shuffled, random);
        int done = 0;
        while (done < shuffled.size()) {
            int group = Math.min(1 + random.nextInt(120), shuffled.size() - done);
            List<UsageRow> now = shuffled.subList(done, done + group);
            try (Meter meter = Meter.open(MeterFixture.options(LedgerLocation.of(ledger)))) {
                if (random.nextBoolean()) {
                    meter.holdScoring();
                }
                now.parallelStream().map(meter::commit).toList().forEach(acknowledgement -> acknowledgement.join());
            }
            done += group;
        }
        Map<Bytes32, Outcome> outcomes = new HashMap<>();
        try (Meter meter = Meter.open(MeterFixture.options(LedgerLocation.of(ledger)))) {
            meter.drain(MeterFixture.PATIENCE);
            for (UsageRow row : rows) {
                Receipt receipt =
                        meter.queries().receiptsOf(row.requestId()).getFirst().receipt();
                outcomes.put(
                        row.requestId(),
                        new Outcome(receipt.attribution(), receipt.price(), receipt.payments(), receipt.outputHash()));
            }
        }
        return outcomes;
    }
}
