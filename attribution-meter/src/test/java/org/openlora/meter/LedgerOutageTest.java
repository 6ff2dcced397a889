package org.openlora.meter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.database.LedgerException.Reason;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.ledger.LedgerStep;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.openlora.meter.usage.UsageRow;

/// A ledger whose writes fail before they are committed, or after, which to the meter looks the same.
class LedgerOutageTest {
    private static final int REQUESTS = 20;

    @TempDir
    private Path folder;

    private volatile @Nullable LedgerStep failing;

    @Test
    void commit_ledgerFailsForAWhile_isTriedAgainAndBilledOnce() {
        for (LedgerStep step : List.of(LedgerStep.USAGE_BEFORE_COMMIT, LedgerStep.USAGE_COMMITTED)) {
            try (Meter meter = open(step.name(), Duration.ofMinutes(10))) {
                failing = step;
                List<CompletableFuture<SignedAcknowledgement>> commits = IntStream.range(0, REQUESTS)
                        .mapToObj(i -> meter.commit(MeterFixture.row(meter, i)))
                        .toList();
                await(() -> meter.health() instanceof LedgerHealth.Unwritable
                        && meter.commitStats().failedAttempts() > 1);
                assertThat(commits).noneMatch(CompletableFuture::isDone);
                assertThat(meter.health())
                        .isInstanceOfSatisfying(LedgerHealth.Unwritable.class, outage -> assertThat(outage.reason())
                                .isEqualTo("no room on the disk"));

                failing = null;
                commits.forEach(CompletableFuture::join);
                await(() -> meter.health() instanceof LedgerHealth.Writable);
                meter.drain(MeterFixture.PATIENCE);
                assertThat(new LedgerInvariants(REQUESTS)
                                .check(meter, Set.copyOf(LedgerInvariants.upTo(REQUESTS)), Set.of()))
                        .isEqualTo(REQUESTS);
                assertThat(meter.queries().audit())
                        .extracting(entry -> entry.event().kind())
                        .containsExactly("ledger-resumed");
            }
        }
    }

    /// The row is in the ledger, but nobody could be told: it must not be billed behind the client's back.
    @Test
    void commit_givenUpThoughTheLedgerKeptIt_isTakenOutAndNotBilled() {
        try (Meter meter = open("kept", Duration.ZERO)) {
            failing = LedgerStep.USAGE_COMMITTED;
            UsageRow row = MeterFixture.row(meter, 1);
            assertThatThrownBy(() -> meter.commit(row).join()).hasRootCauseInstanceOf(LedgerException.class);

            failing = null;
            await(() -> meter.health() instanceof LedgerHealth.Writable);
            meter.commit(MeterFixture.row(meter, 2)).join();
            meter.drain(MeterFixture.PATIENCE);
            new LedgerInvariants(3).check(meter, Set.of(2), Set.of(1));
            assertThat(meter.queries().audit())
                    .filteredOn(entry -> entry.event().kind().equals("usage-undone"))
                    .singleElement()
                    .satisfies(entry -> assertThat(entry.event().subject()).isEqualTo(row.requestId()));
            // The id is free again, also for an answer of another content.
            UsageRow again = Fixtures.row(
                    "request 1", List.of(), new int[] {1, 2}, new int[] {3}, 0, meter.versionsFor(List.of()));
            meter.commit(again).join();
            meter.drain(MeterFixture.PATIENCE);
            assertThat(meter.queries().receiptsOf(row.requestId()))
                    .singleElement()
                    .satisfies(signed ->
                            assertThat(signed.receipt().generatedTokens()).isEqualTo(1));
        }
    }

    @Test
    void commit_repeatedRowGivenUp_staysAsItWasAcknowledged() {
        try (Meter meter = open("repeated", Duration.ZERO)) {
            UsageRow row = MeterFixture.row(meter, 1);
            meter.commit(row).join();
            failing = LedgerStep.USAGE_COMMITTED;
            assertThatThrownBy(() -> meter.commit(row).join()).hasRootCauseInstanceOf(LedgerException.class);

            failing = null;
            await(() -> meter.health() instanceof LedgerHealth.Writable);
            meter.drain(MeterFixture.PATIENCE);
            new LedgerInvariants(2).check(meter, Set.of(1), Set.of());
        }
    }

    @Test
    void scoring_ledgerFailsForAWhile_saysSoAndGoesOn() {
        try (Meter meter = open("scoring", Duration.ZERO)) {
            List<LedgerHealth> seen = new CopyOnWriteArrayList<>();
            meter.watchHealth(seen::add);
            failing = LedgerStep.RECEIPTS_BEFORE_COMMIT;
            meter.commit(MeterFixture.row(meter, 1)).join();
            await(() -> seen.stream().anyMatch(LedgerHealth.Unwritable.class::isInstance));

            failing = null;
            meter.drain(MeterFixture.PATIENCE);
            await(() -> meter.health() instanceof LedgerHealth.Writable);
            new LedgerInvariants(2).check(meter, Set.of(1), Set.of());
            assertThat(seen.getFirst()).isInstanceOf(LedgerHealth.Writable.class);
        }
    }

    @Test
    void close_ledgerStillFailing_failsWhatWaitsAtOnce() {
        Meter meter = open("closing", Duration.ofMinutes(10));
        failing = LedgerStep.USAGE_BEFORE_COMMIT;
        CompletableFuture<SignedAcknowledgement> commit = meter.commit(MeterFixture.row(meter, 1));
        await(() -> meter.health() instanceof LedgerHealth.Unwritable);
        meter.close();
        assertThat(commit).isCompletedExceptionally();
        failing = null;
        try (Meter next = open("closing", Duration.ZERO)) {
            next.drain(MeterFixture.PATIENCE);
            new LedgerInvariants(2).check(next, Set.of(), Set.of(1));
        }
    }

    private Meter open(String ledger, Duration patience) {
        return Meter.open(
                MeterFixture.options(LedgerLocation.of(folder.resolve(ledger)), patience, this::failWhereAsked));
    }

    private void failWhereAsked(LedgerStep step) {
        if (step == failing) {
            throw new LedgerException(Reason.FULL, "no room on the disk");
        }
    }

    private static void await(BooleanSupplier condition) {
        for (int patience = 0; !condition.getAsBoolean(); patience++) {
            assertThat(patience).isLessThan(12_000);
            LockSupport.parkNanos(5_000_000);
        }
    }
}
