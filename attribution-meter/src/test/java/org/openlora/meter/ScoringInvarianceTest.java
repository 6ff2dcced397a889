package org.openlora.meter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
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
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.DatabaseLocation;
import org.openlora.meter.datanet.DatanetRegistry;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evidence.CorpusLibrary;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evidence.LineageCorpora;
import org.openlora.meter.evidence.Scorer;
import org.openlora.meter.evidence.ScorerVersion;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.index.IndexStore;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.pricing.PayeeTable;
import org.openlora.meter.pricing.PricedUsage;
import org.openlora.meter.pricing.Pricing;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.usage.ScoringVersions;
import org.openlora.meter.usage.TokenHashes;
import org.openlora.meter.usage.UsageRow;

/// A receipt follows from its usage row alone: order, grouping, threads and restarts make it later, never another.
class ScoringInvarianceTest {
    private static final int ROWS = 240;

    @TempDir
    private Path folder;

    /// What a receipt says of who is paid for what.
    record Outcome(Bytes32 attribution, long price, List<Payment> payments, Bytes32 outputHash) {}

    @Test
    void receipts_anyOrderGroupingAndRestart_areThoseOfTheRowsAlone() {
        Map<Bytes32, Outcome> expected = new HashMap<>();
        List<UsageRow> rows = rows(folder.resolve("versions"));
        rows.forEach(row -> expected.put(row.requestId(), alone(row, ScoringInvarianceTest::corpora)));
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
    void score_manyThreadsOnOneLibrary_areThoseOfOne() throws IOException {
        List<UsageRow> rows = rows(folder.resolve("versions"));
        Map<Bytes32, Outcome> expected = new HashMap<>();
        rows.forEach(row -> expected.put(row.requestId(), alone(row, ScoringInvarianceTest::corpora)));
        for (int threads : new int[] {2, 5, 16}) {
            List<UsageRow> shuffled = new ArrayList<>(rows);
            Collections.shuffle(shuffled, new Random(threads));
            Map<Bytes32, Outcome> actual = new ConcurrentHashMap<>();
            Path place = Files.createDirectories(folder.resolve("threads-" + threads));
            try (Database database = Database.open(new DatabaseLocation.SqliteFile(place.resolve("ledger.db")))) {
                CorpusLibrary shared = library(database, place);
                try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
                    shuffled.forEach(row -> pool.execute(() -> actual.put(
                            row.requestId(),
                            alone(
                                    row,
                                    versions -> shared.lineage(
                                            versions.datanets(),
                                            Fixtures.TOKENIZER,
                                            ScorerVersion.of(versions.scorer()))))));
                }
            }
            assertThat(actual).as("%d threads", threads).isEqualTo(expected);
        }
    }

    private static CorpusLibrary library(Database database, Path place) {
        DatanetRegistry registry = DatanetRegistry.open(database, place.resolve("rows"), InstantSource.system());
        MeterFixture.datanets().forEach(registry::register);
        return new CorpusLibrary(
                registry,
                new IndexStore(place.resolve("indices")),
                Map.of(Fixtures.TOKENIZER, Fixtures.ENCODER));
    }

    /// On the heap, made for one row.
    private static LineageCorpora corpora(ScoringVersions versions) {
        return Fixtures.lineage(
                MeterFixture.datanets().stream()
                        .filter(datanet -> versions.datanets().contains(datanet.digest()))
                        .toList(),
                ScorerVersion.of(versions.scorer()));
    }

    private static List<UsageRow> rows(Path folder) {
        try (Meter meter = Meter.open(MeterFixture.options(LedgerLocation.of(folder)))) {
            return IntStream.range(0, ROWS)
                    .mapToObj(number -> MeterFixture.row(meter, number))
                    .toList();
        }
    }

    private static Outcome alone(UsageRow row, Function<ScoringVersions, LineageCorpora> corpora) {
        AttributionRecord record = Scorer.score(
                row, corpora.apply(row.versions()), MeterFixture.priceBook().rules());
        PricedUsage priced =
                Pricing.price(row, record, MeterFixture.priceBook(), PayeeTable.of(MeterFixture.datanets()));
        return new Outcome(
                record.hash(), priced.pricePico(), priced.payments(), TokenHashes.output(row.requestSalt(), row.output()));
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
                Receipt receipt = meter.queries()
                        .receiptsOf(row.requestId())
                        .getFirst()
                        .receipt();
                outcomes.put(
                        row.requestId(),
                        new Outcome(
                                receipt.attribution(), receipt.price(), receipt.payments(), receipt.outputHash()));
            }
        }
        return outcomes;
    }
}
