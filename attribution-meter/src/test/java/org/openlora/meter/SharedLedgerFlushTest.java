package org.openlora.meter;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.openlora.meter.chain.BatchFlusher.Action;
import org.openlora.meter.chain.BlockReference;
import org.openlora.meter.chain.ChainException;
import org.openlora.meter.chain.FlushPolicy;
import org.openlora.meter.chain.FlusherMonitor;
import org.openlora.meter.chain.LedgerFlusher;
import org.openlora.meter.chain.TestChain;
import org.openlora.meter.database.TestDatabase;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.lease.DatabaseLease;
import org.openlora.meter.lease.Fence;
import org.openlora.meter.lease.Leadership;
import org.openlora.meter.lease.LeaseLostException;
import org.openlora.meter.ledger.LedgerIdentity;

/// Two replicas on one database: whoever holds the lease brings the batches of both on chain. Skipped without anvil.
@ParameterizedClass
@EnumSource(TestDatabase.class)
class SharedLedgerFlushTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final FlushPolicy POLICY = new FlushPolicy(
            Duration.ofMillis(200), Duration.ofSeconds(45), BigInteger.TEN.pow(12), Duration.ofMillis(2));

    private final TestChain chain = TestChain.require();
    private final TestChain.Operator operator = chain.operator();
    private final TestDatabase database;
    private int requests;

    @TempDir
    Path folder;

    SharedLedgerFlushTest(TestDatabase database) {
        this.database = database;
    }

    @Test
    void flush_twoReplicas_theLeaderBringsBothStreamsOnChain() {
        seal("first", 3);
        seal("second", 2);
        try (Meter first = replica("first");
                Meter second = replica("second")) {
            try (DatabaseLease lease = first.flushLease("first", LIMIT);
                    DatabaseLease other = second.flushLease("second", LIMIT)) {
                flusher(first, lease.fence(), lease).flushAll(LIMIT);
                LedgerFlusher follower = flusher(second, other.fence(), other);
                assertThat(catching(follower)).isInstanceOf(LeaseLostException.class);
            }
            assertThat(landed("first")).isEqualTo(3);
            assertThat(landed("second")).isEqualTo(2);
            assertThat(second.journal().landedNumber()).isEqualTo(2);
            assertThat(transactions()).isEqualTo(5);
        }
    }

    @Test
    void flush_leaderWakesUpAfterAnotherTookOver_sendsNothingMore() {
        seal("first", 2);
        try (Meter first = replica("first");
                Meter second = replica("second")) {
            DatabaseLease paused = first.flushLease("paused", Duration.ofMillis(50));
            LedgerFlusher sleeper = flusher(first, paused.fence(), Leadership.ALONE); // it does not look again
            assertThat(paused.hold()).isTrue();
            try (DatabaseLease heir = second.flushLease("heir", LIMIT)) {
                while (!heir.hold()) {
                    Thread.onSpinWait();
                }
                long before = transactions();
                assertThat(catching(sleeper)).isInstanceOf(LeaseLostException.class);
                assertThat(transactions()).isEqualTo(before);
                flusher(second, heir.fence(), heir).flushAll(LIMIT);
            }
            assertThat(landed("first")).isEqualTo(2);
            assertThat(transactions()).isEqualTo(2);
        }
    }

    /// The second line of defence: were there two leaders, the contract still takes each batch once.
    @Test
    void flush_twoLeadersAtOnce_eachBatchOnce() throws Exception {
        seal("first", 4);
        seal("second", 4);
        try (Meter first = replica("first");
                Meter second = replica("second")) {
            CyclicBarrier start = new CyclicBarrier(2);
            List<Thread> threads = new ArrayList<>();
            List<Throwable> failures = new ArrayList<>();
            for (Meter meter : List.of(first, second)) {
                LedgerFlusher flusher = flusher(meter, Fence.OPEN, Leadership.ALONE);
                threads.add(Thread.ofPlatform().start(() -> {
                    try {
                        start.await(1, TimeUnit.MINUTES);
                        flusher.flushAll(LIMIT);
                    } catch (Exception e) {
                        synchronized (failures) {
                            failures.add(e);
                        }
                    }
                }));
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(failures).isEmpty();
            assertThat(landed("first")).isEqualTo(4);
            assertThat(landed("second")).isEqualTo(4);
        }
    }

    @Test
    void flush_oneStreamHalts_theOthersGoOn() {
        seal("first", 1);
        seal("second", 1);
        try (Meter first = replica("first");
                Meter second = replica("second")) {
            first.journal().bind(new org.openlora.meter.chain.AttemptJournal.ChainIdentity(1, Bytes32.ZERO));
            FlusherMonitor monitor = new FlusherMonitor();
            LedgerFlusher flusher = flusher(second, Fence.OPEN, Leadership.ALONE, monitor);
            assertThat(catching(flusher)).isInstanceOf(ChainException.Halted.class);
            assertThat(landed("second")).isEqualTo(1);
            assertThat(landed("first")).isZero();
            assertThat(monitor.snapshot().alarms().values())
                    .singleElement()
                    .asString()
                    .contains("the journal belongs to chain 1");
        }
    }

    private static Throwable catching(LedgerFlusher flusher) {
        return org.assertj.core.api.Assertions.catchThrowable(() -> {
            while (flusher.step() != Action.IDLE) {
                Thread.onSpinWait();
            }
        });
    }

    private LedgerFlusher flusher(Meter meter, Fence fence, Leadership leadership) {
        return flusher(meter, fence, leadership, new FlusherMonitor());
    }

    private LedgerFlusher flusher(Meter meter, Fence fence, Leadership leadership, FlusherMonitor monitor) {
        return new LedgerFlusher(
                chain.ledger,
                operator.submitter(),
                () -> meter.flushSources(fence),
                POLICY,
                Clock.systemUTC(),
                monitor,
                leadership);
    }

    private Meter replica(String name) {
        return Meter.open(MeterFixture.options(
                database.ledger(folder),
                new LedgerIdentity(stream(name), operator.id(), chain.ledger.domain(), operator.submitter()),
                step -> {}));
    }

    private Bytes32 stream(String name) {
        return Keccak256.hash(operator.id() + name);
    }

    /// Before the other replica is there, which might score these rows into its own stream.
    private void seal(String name, int batches) {
        try (Meter meter = replica(name)) {
            for (int i = 0; i < batches; i++) {
                meter.commit(MeterFixture.row(meter, ++requests)).join();
                meter.drain(MeterFixture.PATIENCE);
                assertThat(meter.seal()).isPresent();
            }
        }
    }

    private long landed(String name) {
        return chain.ledger.stream(operator.id(), stream(name), BlockReference.LATEST)
                .batches();
    }

    private long transactions() {
        var rpc = chain.chain.rpc();
        return rpc.longInteger(rpc.call(
                "eth_getTransactionCount", operator.submitter().address().toString(), "latest"));
    }
}
