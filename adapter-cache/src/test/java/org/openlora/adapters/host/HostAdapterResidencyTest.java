package org.openlora.adapters.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.openlora.adapters.host.FakeSource.adapter;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.Digest;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.kernels.LoraPoint;

class HostAdapterResidencyTest {
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration FAILURE_MEMORY = Duration.ofSeconds(5);

    private final ManualClock clock = new ManualClock();
    private final Queue<Runnable> loads = new ArrayDeque<>();

    @Test
    void acquire_ofSeveral_leasesAllInDigestOrder() {
        var source = new FakeSource(10, 10, 10);
        HostAdapterResidency residency = residency(source, 30, 3);
        CompletableFuture<AdapterLease> future = acquire(residency, 2, 0, 1);
        assertThat(future).isNotDone();
        runLoads();
        AdapterLease lease = future.join();
        assertThat(lease.adapters())
                .extracting(ResidentAdapter::digest)
                .containsExactly(adapter(0), adapter(1), adapter(2));
        assertThat(lease.adapters()).extracting(ResidentAdapter::slot).doesNotHaveDuplicates();
        lease.close();
        lease.close();
        residency.checkIntegrity();
        assertThat(acquire(residency, 1).join().adapters()).hasSize(1);
        assertThat(residency.stats().hits()).isEqualTo(1);
        assertThat(residency.stats().loads()).isEqualTo(3);
        assertThat(residency.acquire(Set.of(), clock.in(SECOND)).join().adapters())
                .isEmpty();
    }

    @Test
    void acquire_ofTheSameByMany_loadsOnce() {
        var source = new FakeSource(10);
        HostAdapterResidency residency = residency(source, 10, 1);
        List<CompletableFuture<AdapterLease>> futures =
                List.of(acquire(residency, 0), acquire(residency, 0), acquire(residency, 0));
        runLoads();
        futures.forEach(future -> assertThat(future).isCompleted());
        assertThat(source.loadsOf(adapter(0))).isEqualTo(1);
    }

    @Test
    void eviction_takesTheLeastRecentlyUsedThatNobodyHolds() {
        var source = new FakeSource(10, 10, 10, 10);
        HostAdapterResidency residency = residency(source, 30, 8);
        AdapterLease first = leased(residency, 0);
        AdapterLease second = leased(residency, 1);
        AdapterLease third = leased(residency, 2);
        ResidentAdapter evicted = third.adapters().getFirst();
        third.close();
        second.close();
        AdapterLease fourth = leased(residency, 3);
        assertThat(residency.stats().evictions()).isEqualTo(1);
        assertThatThrownBy(() -> evicted.weights().modules(0, LoraPoint.O)).isInstanceOf(IllegalStateException.class);
        assertThat(first.adapters().getFirst().weights().modules(0, LoraPoint.O))
                .isEmpty();
        assertThat(acquire(residency, 1)).isCompleted();
        assertThat(fourth.adapters()).hasSize(1);
        residency.checkIntegrity();
    }

    @Test
    void acquire_whenAllIsLeased_waitsForAReleaseOrItsDeadline() {
        HostAdapterResidency residency = residency(new FakeSource(10, 10, 10), 20, 8);
        AdapterLease held = leased(residency, 0);
        AdapterLease other = leased(residency, 1);
        CompletableFuture<AdapterLease> waiting = acquire(residency, 2);
        CompletableFuture<AdapterLease> behind =
                residency.acquire(Set.of(adapter(2)), clock.in(SECOND.multipliedBy(9)));
        runLoads();
        assertThat(waiting).isNotDone();
        clock.advance(SECOND);
        assertCode(waiting, Code.NO_ROOM, "no room for 1 adapters became free before the deadline: 2 of at most 8");
        held.close();
        runLoads();
        assertThat(behind).isCompleted();
        other.close();
        residency.checkIntegrity();
        assertCode(residency.acquire(Set.of(adapter(0), adapter(1)), clock.instant()), Code.NO_ROOM, "deadline");
    }

    @Test
    void acquire_ofPairsCrosswise_cannotDeadlock() {
        HostAdapterResidency residency = residency(new FakeSource(10, 10, 10), 20, 2);
        AdapterLease holder = leased(residency, 2);
        CompletableFuture<AdapterLease> one = acquire(residency, 0, 1);
        CompletableFuture<AdapterLease> two = acquire(residency, 1, 2);
        holder.close();
        runLoads();
        one.join().close();
        runLoads();
        two.join().close();
        residency.checkIntegrity();
    }

    @Test
    void overtaking_ofAWaitingRequest_isBounded() {
        HostAdapterResidency residency = residency(new FakeSource(10, 10), 10, 1);
        AdapterLease hot = leased(residency, 0);
        CompletableFuture<AdapterLease> cold = acquire(residency, 1);
        for (int i = 0; i < HostAdapterResidency.MAX_OVERTAKES; i++) {
            acquire(residency, 0).join().close();
        }
        assertThat(acquire(residency, 0)).isNotDone();
        hot.close();
        runLoads();
        assertThat(cold).isCompleted();
        residency.checkIntegrity();
    }

    @Test
    void acquire_ofABrokenAdapter_failsAndIsRememberedForAWhile() {
        var source = new FakeSource(10, 10);
        source.broken.add(adapter(1));
        HostAdapterResidency residency = residency(source, 20, 8);
        CompletableFuture<AdapterLease> both = acquire(residency, 0, 1);
        runLoads();
        assertCode(both, Code.INVALID, "is broken");
        assertCode(acquire(residency, 1), Code.INVALID, "is broken");
        assertThat(source.loadsOf(adapter(1))).isEqualTo(1);
        assertThat(acquire(residency, 0)).isCompleted();
        source.broken.clear();
        clock.advance(FAILURE_MEMORY);
        CompletableFuture<AdapterLease> again = acquire(residency, 1);
        runLoads();
        assertThat(again).isCompleted();
        residency.checkIntegrity();
        assertThat(residency.stats().failures()).isEqualTo(1);
    }

    @Test
    void acquire_ofWhatCanNeverFit_saysSoAtOnce() {
        HostAdapterResidency residency = residency(new FakeSource(10, 10, 21), 20, 1);
        assertCode(acquire(residency, 2), Code.TOO_LARGE, "1 adapters of 21 bytes can never");
        assertCode(acquire(residency, 0, 1), Code.TOO_LARGE, "allowed: 1 adapters of 20 bytes");
        assertCode(acquire(residency, 9), Code.NOT_FOUND, "no adapter");
        residency.checkIntegrity();
    }

    @Test
    void cancel_ofARequest_givesEverythingBack() {
        HostAdapterResidency residency = residency(new FakeSource(10, 10), 10, 8);
        CompletableFuture<AdapterLease> loading = acquire(residency, 0);
        CompletableFuture<AdapterLease> waiting = acquire(residency, 1);
        loading.cancel(true);
        assertThat(waiting).isNotDone();
        runLoads();
        assertThat(waiting).isCompleted();
        CompletableFuture<AdapterLease> second = acquire(residency, 0);
        second.cancel(true);
        assertThat(residency.stats().waiting()).isZero();
        residency.checkIntegrity();
    }

    @Test
    void close_endsWaitingAndFreesWhatIsReleased() {
        HostAdapterResidency residency = residency(new FakeSource(10, 10), 10, 8);
        AdapterLease lease = leased(residency, 0);
        ResidentAdapter held = lease.adapters().getFirst();
        CompletableFuture<AdapterLease> waiting = acquire(residency, 1);
        residency.close();
        assertCode(waiting, Code.CLOSED, "shutting down");
        assertCode(acquire(residency, 0), Code.CLOSED, "shutting down");
        assertThat(held.weights().modules(0, LoraPoint.O)).isEmpty();
        lease.close();
        assertThatThrownBy(() -> held.weights().modules(0, LoraPoint.O)).isInstanceOf(IllegalStateException.class);
        assertThat(residency.stats().reservedBytes()).isZero();
        residency.checkIntegrity();
    }

    /// Thousands of random steps against a model of what must hold after each: accounts even, no leased adapter
    /// gone, and in the end no request lost.
    @Test
    void simulation_ofRandomSteps_keepsEveryInvariant() {
        long evictions = 0;
        for (long seed = 0; seed < 30; seed++) {
            HostResidencyStats stats = new Simulation(seed).run(1000);
            evictions += stats.evictions();
            assertThat(stats.hits()).isPositive();
            assertThat(stats.loads()).isGreaterThan(stats.failures());
        }
        assertThat(evictions).isGreaterThan(1000);
    }

    @Test
    void concurrency_ofManyVirtualThreads_losesNothing() throws Exception {
        var source = new FakeSource(64, 64, 64, 64, 64, 64, 64, 64, 64, 64);
        source.broken.add(adapter(9));
        var limits = new HostLimits(64 * 4, 4, 3, Duration.ofMillis(1));
        var leases = new AtomicInteger();
        try (var residency = new HostAdapterResidency(source, limits, InstantSource.system());
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var results = new ArrayList<Future<?>>();
            for (int thread = 0; thread < 64; thread++) {
                long seed = thread;
                results.add(threads.submit(() -> {
                    var random = new Random(seed);
                    for (int round = 0; round < 50; round++) {
                        // Adapter 9 is broken; it is asked for now and then.
                        int bound = random.nextInt(10) == 0 ? 10 : 9;
                        Set<Digest> wanted = random.ints(2, 0, bound)
                                .mapToObj(FakeSource::adapter)
                                .collect(Collectors.toSet());
                        leases.addAndGet(leaseOnce(residency, wanted));
                    }
                }));
            }
            for (Future<?> result : results) {
                result.get();
            }
            residency.checkIntegrity();
            assertThat(residency.stats().leased()).isZero();
            assertThat(residency.stats().waiting()).isZero();
            assertThat(leases.get()).isGreaterThan(1000);
        }
    }

    private static int leaseOnce(HostAdapterResidency residency, Set<Digest> wanted) {
        try (AdapterLease lease =
                residency.acquire(wanted, Instant.now().plusSeconds(120)).join()) {
            lease.adapters().forEach(held -> held.weights().modules(0, LoraPoint.O));
            return 1;
        } catch (CompletionException e) {
            assertThat(wanted).contains(adapter(9));
            return 0;
        }
    }

    private final class Simulation {
        private static final int ADAPTERS = 12;

        private final Random random;
        private final FakeSource source;
        private final HostAdapterResidency residency;
        private final List<CompletableFuture<AdapterLease>> open = new ArrayList<>();
        private final List<AdapterLease> leases = new ArrayList<>();

        Simulation(long seed) {
            random = new Random(seed);
            source = new FakeSource(random.longs(ADAPTERS, 1, 40).toArray());
            residency = residency(source, 60 + random.nextInt(60), 2 + random.nextInt(6));
        }

        HostResidencyStats run(int steps) {
            for (int step = 0; step < steps; step++) {
                step();
                collect();
                residency.checkIntegrity();
                leases.forEach(
                        lease -> lease.adapters().forEach(held -> held.weights().modules(0, LoraPoint.O)));
            }
            source.broken.clear();
            while (!open.isEmpty() || !leases.isEmpty() || !loads.isEmpty()) {
                leases.forEach(AdapterLease::close);
                leases.clear();
                runLoads();
                clock.advance(SECOND);
                collect();
                residency.checkIntegrity();
            }
            assertThat(residency.stats().leased()).isZero();
            residency.close();
            assertThat(residency.stats().reservedBytes()).isZero();
            return residency.stats();
        }

        private void step() {
            int dice = random.nextInt(100);
            if (dice < 35) {
                Set<Digest> wanted = random.ints(1 + random.nextInt(3), 0, ADAPTERS)
                        .mapToObj(FakeSource::adapter)
                        .collect(Collectors.toSet());
                open.add(residency.acquire(wanted, clock.in(Duration.ofMillis(random.nextInt(3000)))));
            } else if (dice < 60) {
                Runnable load = loads.poll();
                if (load != null) {
                    load.run();
                }
            } else if (dice < 85) {
                if (!leases.isEmpty()) {
                    AdapterLease lease = leases.remove(random.nextInt(leases.size()));
                    lease.close();
                    lease.close();
                }
            } else if (dice < 90) {
                if (!open.isEmpty()) {
                    open.get(random.nextInt(open.size())).cancel(true);
                }
            } else if (dice < 94) {
                Digest adapter = adapter(random.nextInt(ADAPTERS));
                if (!source.broken.remove(adapter)) {
                    source.broken.add(adapter);
                }
            } else {
                clock.advance(Duration.ofMillis(random.nextInt(1500)));
            }
        }

        private void collect() {
            open.stream()
                    .filter(future -> future.isDone() && !future.isCompletedExceptionally())
                    .forEach(future -> leases.add(future.join()));
            open.removeIf(CompletableFuture::isDone);
        }
    }

    private HostAdapterResidency residency(FakeSource source, long capacityBytes, int maxAdapters) {
        var limits = new HostLimits(capacityBytes, maxAdapters, 2, FAILURE_MEMORY);
        return new HostAdapterResidency(source, limits, clock, loads::add, clock);
    }

    private CompletableFuture<AdapterLease> acquire(HostAdapterResidency residency, int... adapters) {
        Set<Digest> wanted =
                Arrays.stream(adapters).mapToObj(FakeSource::adapter).collect(Collectors.toSet());
        return residency.acquire(wanted, clock.in(SECOND));
    }

    private AdapterLease leased(HostAdapterResidency residency, int... adapters) {
        CompletableFuture<AdapterLease> future = acquire(residency, adapters);
        runLoads();
        return future.join();
    }

    private void runLoads() {
        for (Runnable load = loads.poll(); load != null; load = loads.poll()) {
            load.run();
        }
    }

    private static void assertCode(CompletableFuture<AdapterLease> future, Code code, String message) {
        assertThatThrownBy(future::join)
                .hasCauseInstanceOf(AdapterException.class)
                .cause()
                .isInstanceOfSatisfying(
                        AdapterException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessageContaining(message);
    }
}
