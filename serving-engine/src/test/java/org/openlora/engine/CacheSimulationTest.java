package org.openlora.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToLongFunction;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.io.TempDirFactory;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.AdapterMemory;
import org.openlora.adapters.AdapterResidency;
import org.openlora.adapters.AdapterSource;
import org.openlora.adapters.Digest;
import org.openlora.adapters.SlotTable;

/// Thousands of random steps of the whole cache, from many seeds; and planted bugs, each of which it must find.
///
/// `-Dopenlora.simulation.seeds=500 -Dopenlora.simulation.steps=20000` for a night of it;
/// `-Dopenlora.simulation.first=17` to begin at a seed that failed.
class CacheSimulationTest {
    private static final int SEEDS = Integer.getInteger("openlora.simulation.seeds", 8);
    private static final int STEPS = Integer.getInteger("openlora.simulation.steps", 2500);
    private static final long FIRST = Long.getLong("openlora.simulation.first", 1);
    /// A planted bug has so many seeds to show itself.
    private static final int SEEDS_TO_FIND = 20;

    /// On a disk of memory where there is one: the registry and the store force each change to the disk.
    @TempDir(factory = MemoryDisk.class)
    private Path folder = Path.of(".");

    @Test
    void run_manySeeds_everyInvariantHoldsAfterEveryStep() {
        List<CacheSimulation.Tally> tallies = LongStream.range(FIRST, FIRST + SEEDS)
                .mapToObj(seed -> run(seed, CacheSimulation.Faults.none()))
                .toList();

        // What it is to find must be able to happen.
        assertThat(tallies).allSatisfy(tally -> {
            assertThat(tally.finished()).isGreaterThan(tally.requests() / 4);
            assertThat(tally.residency().hits()).isPositive();
        });
        assertThat(total(tallies, CacheSimulation.Tally::failed)).isPositive();
        assertThat(total(tallies, CacheSimulation.Tally::aborted)).isPositive();
        assertThat(total(tallies, CacheSimulation.Tally::preemptions)).isPositive();
        assertThat(total(tallies, tally -> tally.residency().hostEvictions())).isGreaterThan(10L * SEEDS);
        assertThat(total(tallies, tally -> tally.residency().failures())).isGreaterThan(SEEDS);
        assertThat(total(tallies, tally -> tally.residency().deviceEvictions())).isPositive();
        assertThat(total(tallies, tally -> tally.residency().corruptions())).isPositive();
        assertThat(total(tallies, tally -> tally.store().evictions())).isPositive();
        assertThat(total(tallies, tally -> tally.store().rejected())).isPositive();
        System.out.printf(
                "%d seeds: %d requests, %d finished, %d tokens, %d leases, %d loads, %d evictions, %d failed loads%n",
                SEEDS,
                total(tallies, CacheSimulation.Tally::requests),
                total(tallies, CacheSimulation.Tally::finished),
                total(tallies, CacheSimulation.Tally::tokens),
                total(tallies, CacheSimulation.Tally::leases),
                total(tallies, tally -> tally.residency().loads()),
                total(tallies, tally -> tally.residency().hostEvictions()),
                total(tallies, tally -> tally.residency().failures()));
    }

    @Test
    void run_evictionThatIgnoresLeases_isFound() {
        assertFound(
                new CacheSimulation.Faults(UnaryOperator.identity(), (real, _, _) -> new EvictsWhatIsLeased(real)),
                "was evicted|holds other weights|failed for no reason");
    }

    @Test
    void run_loadThatIsNotShared_isFound() {
        assertFound(
                new CacheSimulation.Faults(UnaryOperator.identity(), LoadsTwice::new),
                "two loads of .* are under way at once");
    }

    @Test
    void run_waiterThatIsForgotten_isFound() {
        assertFound(
                new CacheSimulation.Faults(UnaryOperator.identity(), (real, _, _) -> new ForgetsAWaiter(real)),
                "waits although nothing is under way");
    }

    static final class MemoryDisk implements TempDirFactory {
        private static final Path MEMORY = Path.of("/dev/shm");

        @Override
        public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext extension) throws Exception {
            return Files.isWritable(MEMORY)
                    ? Files.createTempDirectory(MEMORY, "openlora-simulation-")
                    : TempDirFactory.Standard.INSTANCE.createTempDirectory(element, extension);
        }
    }

    private static long total(List<CacheSimulation.Tally> tallies, ToLongFunction<CacheSimulation.Tally> figure) {
        return tallies.stream().mapToLong(figure).sum();
    }

    private void assertFound(CacheSimulation.Faults faults, String problem) {
        assertThatThrownBy(() -> LongStream.range(1, 1 + SEEDS_TO_FIND).forEach(seed -> run(seed, faults)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("-Dopenlora.simulation.first=")
                .cause()
                .hasMessageFindingMatch(problem);
    }

    /// On a virtual thread, as the fibres are: control changes hands some thousand times, which costs platform threads
    /// milliseconds each on a busy machine.
    private CacheSimulation.Tally run(long seed, CacheSimulation.Faults faults) {
        FutureTask<CacheSimulation.Tally> simulated = new FutureTask<>(() -> {
            Path place = Files.createTempDirectory(folder, "seed-" + seed + "-");
            try (CacheSimulation simulation = new CacheSimulation(seed, place, faults)) {
                return simulation.run(STEPS);
            }
        });
        Thread.startVirtualThread(simulated);
        try {
            return simulated.get();
        } catch (ExecutionException | InterruptedException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new AssertionError(
                    "seed %d fails; -Dopenlora.simulation.first=%1$d -Dopenlora.simulation.seeds=1 shows it: %s"
                            .formatted(seed, cause.getMessage()),
                    cause);
        }
    }

    /// A residency with a bug in how it leases, and none elsewhere.
    private interface Planted extends AdapterResidency {
        AdapterResidency real();

        @Override
        default void prefetch(List<Digest> adapters) {
            real().prefetch(adapters);
        }

        @Override
        default SlotTable slots() {
            return real().slots();
        }
    }

    /// Gives a lease out and takes it back at once, so that nothing is ever held.
    private record EvictsWhatIsLeased(AdapterResidency real) implements Planted {
        @Override
        public CompletableFuture<AdapterLease> acquire(Set<Digest> adapters, Instant deadline) {
            CompletableFuture<AdapterLease> lease = real.acquire(adapters, deadline);
            var _ = lease.thenAccept(AdapterLease::close);
            return lease;
        }
    }

    /// Loads what is asked for a second time, on its own.
    private record LoadsTwice(AdapterResidency real, AdapterSource source, SteppedLoads loads) implements Planted {
        @Override
        public CompletableFuture<AdapterLease> acquire(Set<Digest> adapters, Instant deadline) {
            adapters.forEach(adapter -> loads.execute(() -> loadAndForget(adapter)));
            return real.acquire(adapters, deadline);
        }

        private void loadAndForget(Digest adapter) {
            try (Arena arena = Arena.ofShared()) {
                source.load(adapter, AdapterMemory.in(arena, adapter));
            } catch (RuntimeException | AssertionError e) {
                // The second load's outcome interests nobody, this planted residency least.
            }
        }
    }

    /// Every hundredth request is never answered.
    private static final class ForgetsAWaiter implements Planted {
        private static final int FORGOTTEN = 100;

        private final AdapterResidency real;
        private final AtomicInteger asked = new AtomicInteger();

        @Override
        public AdapterResidency real() {
            return real;
        }

        ForgetsAWaiter(AdapterResidency real) {
            this.real = real;
        }

        @Override
        public CompletableFuture<AdapterLease> acquire(Set<Digest> adapters, Instant deadline) {
            return asked.incrementAndGet() % FORGOTTEN == 0
                    ? new CompletableFuture<>()
                    : real.acquire(adapters, deadline);
        }
    }
}
