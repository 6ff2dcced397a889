package org.openlora.adapters.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.openlora.adapters.host.FakeSource.UNIT_BYTES;
import static org.openlora.adapters.host.FakeSource.adapter;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.Digest;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.adapters.host.FakeSource.FakeSlot;

/// Thousands of random steps, and after each the rules that must hold. `-Dopenlora.simulation.seeds=N` runs more, and
/// `-Dopenlora.simulation.seed=S` one that failed.
class ResidencySimulationTest {
    private static final int SEEDS = Integer.getInteger("openlora.simulation.seeds", 24);
    private static final @Nullable Integer ONE_SEED = Integer.getInteger("openlora.simulation.seed");
    private static final int STEPS = 600;

    @Test
    void simulation_ofRandomSteps_keepsEveryRule() {
        var total = new long[Seen.values().length];
        int first = ONE_SEED == null ? 0 : ONE_SEED;
        int last = ONE_SEED == null ? SEEDS : ONE_SEED + 1;
        for (int seed = first; seed < last; seed++) {
            var simulation = new Simulation(seed);
            try {
                simulation.run();
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError(
                        "failed with -Dopenlora.simulation.seed=" + seed + " at step " + simulation.step, e);
            }
            for (Seen seen : Seen.values()) {
                total[seen.ordinal()] += simulation.seen[seen.ordinal()];
            }
        }
        if (ONE_SEED == null) {
            for (Seen seen : Seen.values()) {
                assertThat(total[seen.ordinal()]).as(seen.name()).isGreaterThan(SEEDS / 4);
            }
        }
    }

    /// What a simulation must have come across to mean anything.
    private enum Seen {
        LEASES,
        SHARED_LEASES,
        HITS,
        HOST_EVICTIONS,
        DEVICE_EVICTIONS,
        SEVERAL_RUNS,
        PINS,
        REFUSED_PINS,
        DRAINS_OF_LEASED,
        FAILED_LOADS,
        PREFETCHED,
        CANCELLED,
        OVERDUE,
        CORRUPT_BEFORE_A_LEASE,
        CORRUPT_UNDER_A_LEASE
    }

    private static final class Simulation {
        private static final int ADAPTERS = 14;
        private static final Duration TICK = Duration.ofMillis(1);

        private record Open(CompletableFuture<AdapterLease> future, Set<Digest> wanted, Instant deadline) {}

        private final Random random;
        private final ManualClock clock = new ManualClock();
        private final Queue<Runnable> work = new ArrayDeque<>();
        private final FakeSource source;
        private final HostLimits limits;
        private final HostAdapterResidency residency;
        private final List<ResidencyEvent> events = new ArrayList<>();
        private final List<Open> open = new ArrayList<>();
        private final List<AdapterLease> leases = new ArrayList<>();
        private final List<CompletableFuture<Void>> pinning = new ArrayList<>();
        private final List<CompletableFuture<Void>> draining = new ArrayList<>();
        private final Set<FakeSlot> spoilt = new HashSet<>();
        private final Set<Digest> hinted = new HashSet<>();
        private final long[] seen = new long[Seen.values().length];
        private @Nullable Digest drained;
        private int step;

        Simulation(int seed) {
            random = new Random(seed);
            source = new FakeSource(IntStream.range(0, ADAPTERS)
                    .mapToObj(adapter -> random.ints(1 + random.nextInt(5), 2, 10).toArray())
                    .toList());
            long units = 60 + random.nextInt(60);
            limits = new HostLimits(
                    units * UNIT_BYTES,
                    2 + random.nextInt(5),
                    (50 + random.nextInt(50)) * UNIT_BYTES,
                    UNIT_BYTES,
                    1 + random.nextInt(3),
                    Duration.ofMillis(40),
                    0);
            residency = new HostAdapterResidency(source, limits, clock, work::add, clock);
            residency.listen(events::add);
        }

        void run() {
            while (step < STEPS) {
                step++;
                Map<Digest, ResidentStats> before = snapshot();
                events.clear();
                drained = null;
                act();
                check(before);
                clock.advance(TICK);
            }
            settle();
            ResidencyStats stats = residency.stats();
            count(Seen.HITS, stats.hits());
            count(Seen.HOST_EVICTIONS, stats.hostEvictions());
            count(Seen.DEVICE_EVICTIONS, stats.deviceEvictions());
            count(Seen.FAILED_LOADS, stats.failures());
        }

        /// Everybody gets what he waits for once nothing is in the way.
        private void settle() {
            source.broken.clear();
            residency.prefetch(List.of());
            IntStream.range(0, ADAPTERS).forEach(number -> residency.unpin(adapter(number)));
            while (!open.isEmpty() || !leases.isEmpty() || !work.isEmpty()) {
                leases.forEach(AdapterLease::close);
                leases.clear();
                while (!work.isEmpty()) {
                    work.remove().run();
                }
                collect();
                residency.checkIntegrity();
                if (leases.isEmpty() && work.isEmpty()) {
                    // Only what was too late by now may still be waiting.
                    clock.advance(Duration.ofSeconds(1));
                    collect();
                }
            }
            assertThat(pinning).allMatch(CompletableFuture::isDone);
            assertThat(draining).allMatch(CompletableFuture::isDone);
            assertThat(residency.stats().leased()).isZero();
            assertThat(residency.stats().waiting()).isZero();
            assertThat(residency.stats().loading()).isZero();
            residency.close();
            assertThat(residency.stats().hostUsedBytes()).isZero();
            assertThat(residency.stats().deviceUsedBytes()).isZero();
            residency.checkIntegrity();
        }

        private void act() {
            int dice = random.nextInt(100);
            if (dice < 32) {
                acquire();
            } else if (dice < 58) {
                if (!work.isEmpty()) {
                    work.remove().run();
                }
            } else if (dice < 80) {
                if (!leases.isEmpty()) {
                    AdapterLease lease = leases.remove(random.nextInt(leases.size()));
                    lease.close();
                    lease.close();
                }
            } else if (dice < 83) {
                if (!open.isEmpty()) {
                    Open given = open.get(random.nextInt(open.size()));
                    if (given.future().cancel(true)) {
                        count(Seen.CANCELLED, 1);
                    }
                }
            } else if (dice < 85) {
                Digest adapter = any();
                if (!source.broken.remove(adapter)) {
                    source.broken.add(adapter);
                }
            } else if (dice < 88) {
                prefetch();
            } else if (dice < 90) {
                pin();
            } else if (dice < 93) {
                residency.unpin(any());
            } else if (dice < 95) {
                drain();
            } else if (dice < 98) {
                spoil();
            } else {
                clock.advance(Duration.ofMillis(random.nextInt(60)));
            }
        }

        private Digest any() {
            // The first are popular.
            return adapter((int) (ADAPTERS * Math.pow(random.nextDouble(), 2)));
        }

        private void acquire() {
            Set<Digest> wanted = IntStream.rangeClosed(0, random.nextInt(3))
                    .mapToObj(i -> any())
                    .collect(Collectors.toSet());
            Instant deadline = clock.in(Duration.ofMillis(random.nextInt(400)));
            open.add(new Open(residency.acquire(wanted, deadline), wanted, deadline));
        }

        private void prefetch() {
            List<Digest> hints = random.ints(random.nextInt(4), 0, ADAPTERS)
                    .distinct()
                    .mapToObj(FakeSource::adapter)
                    .toList();
            hinted.clear();
            hinted.addAll(hints);
            residency.prefetch(hints);
        }

        private void pin() {
            Tier tier = random.nextBoolean() ? Tier.HOST : Tier.DEVICE;
            CompletableFuture<Void> pinned = residency.pin(any(), tier, clock.in(Duration.ofMillis(200)));
            if (pinned.isCompletedExceptionally()) {
                count(Seen.REFUSED_PINS, 1);
            }
            pinning.add(pinned.whenComplete((nothing, failure) -> count(Seen.PINS, failure == null ? 1 : 0)));
        }

        private void drain() {
            Digest adapter = any();
            drained = adapter;
            CompletableFuture<Void> gone = residency.evict(adapter);
            count(Seen.DRAINS_OF_LEASED, gone.isDone() ? 0 : 1);
            draining.add(gone);
        }

        /// Changes a bit of a resident adapter, and looks for it now, later, or leaves it to the check.
        private void spoil() {
            residency.weights(any()).map(FakeSlot.class::cast).filter(spoilt::add).ifPresent(weights -> {
                int block = random.nextInt(weights.blocks().size());
                weights.flipABit(block, random.nextInt(UNIT_BYTES));
            });
            if (random.nextInt(4) > 0) {
                residency.scrub();
                for (AdapterLease lease : leases) {
                    boolean sound = lease.adapters().stream().noneMatch(held -> spoilt.contains(weights(held)));
                    assertThat(lease.isSound()).as("a lease after a scrub").isEqualTo(sound);
                    count(Seen.CORRUPT_UNDER_A_LEASE, sound ? 0 : 1);
                }
            }
        }

        private void check(Map<Digest, ResidentStats> before) {
            for (ResidencyEvent event : events) {
                boolean ahead = event instanceof ResidencyEvent.Loaded
                        && open.stream().noneMatch(request -> request.wanted().contains(event.adapter()));
                count(Seen.PREFETCHED, ahead && hinted.contains(event.adapter()) ? 1 : 0);
            }
            collect();
            residency.checkIntegrity();
            ResidencyStats stats = residency.stats();
            assertThat(stats.hostUsedBytes()).isLessThanOrEqualTo(limits.hostBytes());
            assertThat(stats.deviceUsedBytes()).isLessThanOrEqualTo(limits.deviceBytes());
            assertThat(stats.slotted()).isLessThanOrEqualTo(limits.deviceSlots());
            assertThat(residency.residents().stream()
                            .filter(resident -> resident.tier() == null)
                            .map(ResidentStats::digest))
                    .as("one load per digest")
                    .doesNotHaveDuplicates();
            checkLeases();
            checkLeastRecentlyUsed(before);
        }

        private void checkLeases() {
            var slots = new HashSet<Integer>();
            var distinct = new HashSet<ResidentAdapter>();
            for (AdapterLease lease : leases) {
                assertThat(lease.adapters())
                        .isSortedAccordingTo(Comparator.comparing(ResidentAdapter::digest));
                distinct.addAll(lease.adapters());
            }
            for (ResidentAdapter held : distinct) {
                assertThat(slots.add(held.slot())).as("slot of its own").isTrue();
                assertThat(residency.slots().at(held.slot())).isSameAs(held);
                FakeSlot weights = weights(held);
                assertThat(weights.adapter()).isEqualTo(held.digest());
                assertThat(weights.isIntact()).as("weights of %s", held.digest()).isEqualTo(!spoilt.contains(weights));
            }
        }

        /// Whoever had to go was used no later than any that stayed and could have gone.
        private void checkLeastRecentlyUsed(Map<Digest, ResidentStats> before) {
            Map<Digest, ResidentStats> after = snapshot();
            Predicate<ResidentStats> untouched = resident -> {
                ResidentStats now = after.get(resident.digest());
                return now != null && now.lastUse().equals(resident.lastUse());
            };
            for (ResidencyEvent event : events) {
                ResidentStats victim = before.get(event.adapter());
                if (!(event instanceof ResidencyEvent.Evicted(Digest gone, Tier from)) || victim == null) {
                    continue;
                }
                boolean host = from == Tier.HOST;
                // Where one of that digest is there still, a drained copy went with its last lease.
                boolean byRoom = host
                        ? victim.idle() && !drained(gone) && !after.containsKey(gone)
                        : victim.tier() == Tier.DEVICE;
                if (!byRoom) {
                    continue;
                }
                // Who was leased before was given up in this step: that was a use.
                Instant lastUse = victim.leases() > 0 ? clock.instant() : victim.lastUse();
                before.values().stream()
                        .filter(untouched)
                        .filter(other -> !events.contains(new ResidencyEvent.Evicted(other.digest(), from)))
                        .filter(other -> host
                                ? other.idle() && !hinted.contains(other.digest())
                                : other.tier() == Tier.DEVICE && other.leases() == 0 && other.pinned() != Tier.DEVICE)
                        .filter(other -> host || staysIdleInItsSlot(after, other))
                        .forEach(other -> assertThat(lastUse)
                                .as("%s left %s, %s stayed", gone, from, other.digest())
                                .isBeforeOrEqualTo(other.lastUse()));
            }
        }

        private static boolean staysIdleInItsSlot(Map<Digest, ResidentStats> after, ResidentStats resident) {
            ResidentStats now = after.get(resident.digest());
            return now != null && now.tier() == Tier.DEVICE && now.leases() == 0;
        }

        /// Whether an adapter went for another reason than room.
        private boolean drained(Digest adapter) {
            return adapter.equals(drained) || events.contains(new ResidencyEvent.Corrupt(adapter));
        }

        private Map<Digest, ResidentStats> snapshot() {
            var all = new LinkedHashMap<Digest, ResidentStats>();
            for (ResidentStats resident : residency.residents()) {
                // Of a drained copy and the current one, the one that can be put out.
                all.merge(resident.digest(), resident, (one, other) -> one.idle() ? one : other);
            }
            return all;
        }

        private void collect() {
            for (Open request : List.copyOf(open)) {
                if (!request.future().isDone()) {
                    assertThat(request.deadline()).as("deadline of who waits").isAfter(clock.instant());
                    continue;
                }
                open.remove(request);
                if (request.future().isCancelled()) {
                    continue;
                }
                try {
                    AdapterLease lease = request.future().join();
                    assertThat(lease.adapters()).extracting(ResidentAdapter::digest)
                            .containsExactlyInAnyOrderElementsOf(request.wanted());
                    count(Seen.LEASES, 1);
                    count(Seen.SHARED_LEASES, lease.adapters().stream().anyMatch(this::isShared) ? 1 : 0);
                    count(Seen.SEVERAL_RUNS, lease.adapters().stream().anyMatch(Simulation::isInPieces) ? 1 : 0);
                    leases.add(lease);
                } catch (CompletionException e) {
                    explain((AdapterException) e.getCause());
                }
            }
        }

        private void explain(Throwable cause) {
            Code code = ((AdapterException) cause).code();
            assertThat(code).isIn(Code.NO_ROOM, Code.INVALID, Code.TOO_LARGE, Code.CORRUPT);
            count(Seen.OVERDUE, code == Code.NO_ROOM ? 1 : 0);
            count(Seen.CORRUPT_BEFORE_A_LEASE, code == Code.CORRUPT ? 1 : 0);
        }

        private boolean isShared(ResidentAdapter adapter) {
            return leases.stream().anyMatch(lease -> lease.adapters().contains(adapter));
        }

        private static boolean isInPieces(ResidentAdapter adapter) {
            return ((Resident) adapter).placement().runs().size() > 1;
        }

        private static FakeSlot weights(ResidentAdapter adapter) {
            return (FakeSlot) adapter.weights();
        }

        private void count(Seen what, long times) {
            seen[what.ordinal()] += times;
        }
    }
}
