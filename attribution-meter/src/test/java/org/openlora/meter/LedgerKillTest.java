package org.openlora.meter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.openlora.meter.database.PostgresServerProcess;
import org.openlora.meter.database.TestDatabase;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.LedgerLocation;

/// Processes that are killed at random points while they commit, score and seal many requests at once. After each of
/// them: no acknowledged receipt is lost, none is doubled, nothing refused is billed, and everything adds up.
///
/// A short form by default; `-Dopenlora.ledger.kills=200` kills that often, among 10,000 requests.
class LedgerKillTest {
    private static final int KILLS = Integer.getInteger("openlora.ledger.kills", 0);
    private static final int REQUESTS = KILLS == 0 ? 600 : 10_000;
    private static final int DRAWS = KILLS == 0 ? 400 : 2_500;
    private static final int SHORT_KILLS = 2;
    private static final int SERVER_KILLS = KILLS == 0 ? 2 : Math.max(2, KILLS / 10);
    private static final Duration NO_PATIENCE = Duration.ZERO;
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    @TempDir
    private Path folder;

    private final LedgerInvariants invariants = new LedgerInvariants(REQUESTS);
    private final Set<Integer> acknowledged = new TreeSet<>();
    private final Map<Long, Bytes32> sealed = new HashMap<>();

    @ParameterizedTest
    @EnumSource
    void open_afterItsProcessWasKilled_losesAndDoublesNothing(TestDatabase database, TestReporter reporter)
            throws Exception {
        Random random = new Random(database.name().hashCode());
        LedgerLocation ledger = database.ledger(folder);
        int kills = KILLS == 0 ? SHORT_KILLS : KILLS;
        for (int life = 0; life < kills; life++) {
            take(killedLife(ledger, random));
            check(ledger);
        }
        long receipts = finish(ledger);
        assertThat(acknowledged).as("the kills came in the middle of the work").isNotEmpty();
        reporter.publishEntry(database
                + ": %d kills, %d of %d requests acknowledged before the last, %d receipts, %d batches"
                        .formatted(kills, acknowledged.size(), REQUESTS, receipts, sealed.size()));
    }

    /// Kills at some moment from the start of the process on, most often while it commits.
    private LedgerLife killedLife(LedgerLocation ledger, Random random) throws IOException, InterruptedException {
        int patience = 1 + random.nextInt(DRAWS);
        int delayMicros = random.nextInt(20_000);
        int[] heard = {0};
        return LedgerLife.live(
                new LedgerChild.Work(ledger, random.nextLong(), REQUESTS, DRAWS, DRAWS, NO_PATIENCE),
                (line, process, kill) -> {
                    if (++heard[0] == patience) {
                        TimeUnit.MICROSECONDS.sleep(delayMicros);
                        kill.run();
                    }
                });
    }

    /// The server is killed, with everything that it started, and started again, while a process works on it: the
    /// process notices nothing but a pause.
    @Test
    void postgres_killedUnderARunningProcess_losesAndDoublesNothing(TestReporter reporter) throws Exception {
        Random random = new Random(3);
        try (PostgresServerProcess server = PostgresServerProcess.start(KILLS > 0)) {
            LedgerLocation ledger = new LedgerLocation(folder, server.freshDatabase());
            int[] heard = {0};
            int[] killedAt = {0};
            List<Integer> at = new ArrayList<>();
            for (int i = 1; i <= SERVER_KILLS; i++) {
                at.add(DRAWS * i / (SERVER_KILLS + 1) + random.nextInt(20));
            }

            LedgerLife life = LedgerLife.live(
                    new LedgerChild.Work(ledger, 4, REQUESTS, DRAWS, DRAWS, PATIENCE), (line, process, kill) -> {
                        if (killedAt[0] < at.size() && ++heard[0] >= at.get(killedAt[0])) {
                            killedAt[0]++;
                            server.kill();
                            server.startAgain();
                        }
                    });

            assertThat(life.done).isTrue();
            assertThat(life.refused).isEmpty();
            assertThat(killedAt[0]).isEqualTo(SERVER_KILLS);
            take(life);
            assertThat(acknowledged).hasSize((int) new LedgerChild.Work(ledger, 4, REQUESTS, DRAWS, DRAWS, PATIENCE)
                    .numbers().stream().distinct().count());
            check(ledger);
            reporter.publishEntry("PostgreSQL killed %d times under %d requests, %d receipts"
                    .formatted(SERVER_KILLS, DRAWS, acknowledged.size()));
        }
    }

    private void take(LedgerLife life) {
        acknowledged.addAll(life.acknowledged);
        life.sealed.forEach((number, root) -> assertThat(sealed.put(number, root))
                .as("batch %d was sealed twice", number)
                .isNull());
    }

    /// Opens what is left, as the next server would.
    private void check(LedgerLocation ledger) {
        try (Meter meter = Meter.open(MeterFixture.options(ledger))) {
            meter.drain(MeterFixture.PATIENCE);
            invariants.check(meter, acknowledged, Set.of());
            sealed.forEach((number, root) -> assertThat(
                            meter.batch(number).orElseThrow().header().root())
                    .isEqualTo(root));
        }
    }

    /// Commits everything once more, as clients that heard nothing would: each request ends with one receipt.
    private long finish(LedgerLocation ledger) {
        try (Meter meter = Meter.open(MeterFixture.options(ledger))) {
            List<Integer> all = LedgerInvariants.upTo(REQUESTS);
            CompletableFuture.allOf(all.stream()
                            .map(request -> meter.commit(MeterFixture.row(meter, request)))
                            .toArray(CompletableFuture<?>[]::new))
                    .join();
            meter.drain(MeterFixture.PATIENCE);
            meter.seal();
            long receipts = invariants.check(meter, Set.copyOf(all), Set.of());
            assertThat(receipts).isEqualTo(REQUESTS);
            return receipts;
        }
    }
}
