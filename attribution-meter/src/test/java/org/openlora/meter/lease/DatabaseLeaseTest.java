package org.openlora.meter.lease;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.TestDatabase;

@ParameterizedClass
@EnumSource(TestDatabase.class)
class DatabaseLeaseTest {
    private static final Duration LONG = Duration.ofHours(1);

    private final TestDatabase kind;
    /// Of the process whose lease is tested: it has nothing to do with any other clock.
    private final AtomicLong nanos = new AtomicLong(-5_000_000_000L);

    @TempDir
    Path folder;

    private Database database;

    DatabaseLeaseTest(TestDatabase kind) {
        this.kind = kind;
    }

    @BeforeEach
    void open() {
        database = Database.open(kind.location(folder));
    }

    @AfterEach
    void close() {
        database.close();
    }

    @Test
    void hold_free_takenAndKeptFromOthersUntilItIsGivenBack() {
        DatabaseLease first = lease("first");
        DatabaseLease second = lease("second");
        assertThat(first.hold()).isTrue();
        assertThat(first.hold()).isTrue();
        assertThat(second.hold()).isFalse();
        assertThat(second.holder()).contains("first");
        assertThatThrownBy(second::require)
                .isInstanceOf(LeaseLostException.class)
                .hasMessage("the lease 'flush' is held by first");
        first.close();
        assertThat(second.holder()).isEmpty();
        assertThat(second.hold()).isTrue();
        assertThat(second.epoch()).isGreaterThan(1);
        assertThat(first.hold()).isFalse();
    }

    @Test
    void hold_holderDied_takenOverWithAGreaterEpochWhenItRunsOut() {
        DatabaseLease dead = lease("dead");
        assertThat(dead.hold()).isTrue();
        DatabaseLease heir = lease("heir");
        assertThat(heir.hold()).isFalse();
        runOut();
        assertThat(heir.hold()).isTrue();
        assertThat(heir.epoch()).isEqualTo(dead.epoch() + 1);
    }

    @Test
    void hold_termPasses_theDatabaseCounts() throws InterruptedException {
        DatabaseLease dead = new DatabaseLease(database, "flush", "dead", Duration.ofMillis(50));
        assertThat(dead.hold()).isTrue();
        DatabaseLease heir = lease("heir");
        while (!heir.hold()) {
            Thread.sleep(5);
        }
        assertThat(heir.holder()).contains("heir");
        assertThat(dead.hold()).isFalse();
    }

    @Test
    void hold_twoThirdsLeft_renewedWithTheSameEpoch() {
        DatabaseLease lease = lease("first");
        assertThat(lease.hold()).isTrue();
        long before = expiresAt();
        nanos.addAndGet(LONG.toNanos() / 4);
        assertThat(lease.hold()).isTrue();
        assertThat(expiresAt()).isEqualTo(before); // not due yet
        setExpiresAt(before - 1_000_000);
        nanos.addAndGet(LONG.toNanos() / 2);
        assertThat(lease.hold()).isTrue();
        assertThat(expiresAt()).isGreaterThan(before - 1_000_000);
        assertThat(lease.epoch()).isEqualTo(1);
    }

    @Test
    void fence_holderPausedUntilAnotherTookOver_changesNothing() {
        DatabaseLease paused = lease("paused");
        assertThat(paused.hold()).isTrue();
        Fence fence = paused.fence();
        assertThat(change(fence)).isEqualTo(1);
        runOut();
        // It sleeps: its own clock has not moved, so it still believes to hold the lease.
        assertThatThrownBy(() -> change(fence)).isInstanceOf(LeaseLostException.class);
        assertThat(lease("heir").hold()).isTrue();
        assertThat(paused.hold()).isTrue();
        assertThatThrownBy(() -> change(fence))
                .isInstanceOf(LeaseLostException.class)
                .hasMessageContaining("went to another process");
        nanos.addAndGet(LONG.toNanos());
        assertThat(paused.hold()).isFalse();
        assertThat(changes()).isEqualTo(1);
    }

    @Test
    void hold_sameHolderAfterItRanOut_getsANewEpoch() {
        DatabaseLease lease = lease("first");
        assertThat(lease.hold()).isTrue();
        runOut();
        nanos.addAndGet(LONG.toNanos());
        assertThat(lease.hold()).isTrue();
        assertThat(lease.epoch()).isEqualTo(2); // what it began before it slept is fenced off too
    }

    @Test
    void hold_manyAtOnce_oneAtATime() throws Exception {
        Set<Long> epochs = ConcurrentHashMap.newKeySet();
        List<Callable<Integer>> racers = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            String name = "racer " + i;
            racers.add(() -> {
                int won = 0;
                try (Database own = Database.open(kind.location(folder))) {
                    for (int round = 0; round < 5; round++) {
                        DatabaseLease lease = new DatabaseLease(own, "race", name, LONG);
                        if (lease.hold()) {
                            assertThat(epochs.add(lease.epoch())).isTrue();
                            assertThat(lease.holder()).contains(name);
                            won++;
                            lease.close();
                        }
                    }
                }
                return won;
            });
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(racers.size())) {
            int won = 0;
            for (Future<Integer> racer : threads.invokeAll(racers)) {
                won += racer.get();
            }
            assertThat(won).isPositive().isEqualTo(epochs.size());
        }
    }

    private DatabaseLease lease(String holder) {
        return new DatabaseLease(database, "flush", holder, LONG, nanos::get);
    }

    private void runOut() {
        setExpiresAt(1);
    }

    private void setExpiresAt(long millis) {
        database.write(connection -> Database.update(connection, "UPDATE lease SET expires_at = ?", millis));
    }

    private long expiresAt() {
        return database.query("SELECT expires_at FROM lease", row -> row.getLong("expires_at"))
                .getFirst();
    }

    /// Some change that only the holder may make.
    private int change(Fence fence) {
        return database.write(connection -> {
            fence.require(connection);
            return Database.update(
                    connection,
                    "INSERT INTO document (digest, kind, json) VALUES (?, ?, ?)",
                    org.openlora.meter.evm.Keccak256.hash("document " + System.nanoTime()),
                    "test",
                    "{}");
        });
    }

    private int changes() {
        return database.query("SELECT digest FROM document", row -> Database.word(row, "digest"))
                .size();
    }
}
