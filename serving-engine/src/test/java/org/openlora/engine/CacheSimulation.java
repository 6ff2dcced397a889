package org.openlora.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterResidency;
import org.openlora.adapters.AdapterSource;
import org.openlora.adapters.Digest;
import org.openlora.adapters.host.HostAdapterResidency;
import org.openlora.adapters.host.HostLimits;
import org.openlora.adapters.host.ResidencyStats;
import org.openlora.adapters.host.ResidentStats;
import org.openlora.adapters.host.SteppedResidency;
import org.openlora.adapters.host.Tier;
import org.openlora.adapters.origin.AdapterOrigin;
import org.openlora.adapters.peft.PeftAdapter;
import org.openlora.adapters.registry.AdapterRegistry;
import org.openlora.adapters.registry.RegistryOptions;
import org.openlora.adapters.store.AdapterStore;
import org.openlora.adapters.store.StoreStats;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.engine.scheduler.SchedulerConfig;
import org.openlora.kernels.LoraPoint;
import org.openlora.kernels.LoraSlot;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.SignedAcknowledgement;

/// The whole cache under the real engine: registry, folders on a disk, residency and loop are those that serve; only
/// the model is made up, the clock is the simulation's, and loads run piece by piece when a seed says so. All that
/// can happen to it happens at random, and what must hold is checked after every step.
final class CacheSimulation implements AutoCloseable {
    private static final Duration FAILURE_MEMORY = Duration.ofSeconds(2);
    private static final String TENANT = "tenant";
    /// Adapters that are folders under the registry's root, and as many that are registered from elsewhere.
    private static final int NAMES_OF_EACH = 7;

    private static final int NAMES = 2 * NAMES_OF_EACH;
    /// More than config and weights of any adapter here.
    private static final int MOST_FOLDER_BYTES = 1024;
    private static final int CONTEXT = 64;
    private static final int MOST_PROMPT = 12;
    private static final int MOST_TOKENS = 14;
    private static final int MOST_ADAPTERS = 3;
    private static final int UNIT_BYTES = 64;
    private static final int MOST_OPEN = 24;
    private static final int STEPS_BETWEEN_RESTS = 300;
    /// Far more than a rest can need; then somebody waits for nothing.
    private static final int MOST_STEPS_OF_REST = 100_000;

    /// Ways to break what is simulated.
    ///
    /// @param source what to put between the residency and the real source
    /// @param residency what to put between the engine and the residency
    record Faults(UnaryOperator<AdapterSource> source, Fault residency) {
        @FunctionalInterface
        interface Fault {
            AdapterResidency around(AdapterResidency real, AdapterSource source, SteppedLoads loads);
        }

        static Faults none() {
            return new Faults(UnaryOperator.identity(), (real, _, _) -> real);
        }
    }

    /// What happened, so that a test can see that something did.
    record Tally(
            long requests,
            long finished,
            long failed,
            long aborted,
            long tokens,
            long leases,
            long preemptions,
            ResidencyStats residency,
            StoreStats store) {}

    private static final Duration FETCH_LIMIT = Duration.ofHours(1);
    private static final String FOLDER = "folder-";
    private static final String REGISTERED = "registered-";

    private final SplittableRandom random;
    private final long diskBytes;
    private final SteppedTime time = new SteppedTime();
    private final SteppedLoads loads;
    private final AdapterShelf root;
    private final AdapterShelf origins;
    private final Path stored;
    private final AdapterStore store;
    private final AdapterRegistry registry;
    private final SimulatedSource source;
    private final HostLimits limits;
    private final HostAdapterResidency real;
    private final ObservedResidency residency;
    private final FakeModel model;
    private final LoraEngine engine;
    private final List<ExpectedAnswer> open = new ArrayList<>();
    private List<String> popularity;
    private final Map<Digest, Instant> spoiltLast = new HashMap<>();
    private final Set<Digest> pinned = new HashSet<>();
    private int pinsOpen;
    private int drainsOpen;
    private long nextContent;
    private int requests;
    private long metered;
    private long answered;
    private long finished;
    private long failed;
    private long aborted;
    private long tokens;

    CacheSimulation(long seed, Path folder, Faults faults) {
        random = new SplittableRandom(seed);
        nextContent = seed << 20;
        int atOnce = 1 + random.nextInt(4);
        loads = new SteppedLoads(atOnce);
        root = new AdapterShelf(folder.resolve("root"), time);
        origins = new AdapterShelf(folder.resolve("origins"), time);
        popularity = IntStream.range(0, NAMES)
                .mapToObj(i -> (i < NAMES_OF_EACH ? FOLDER : REGISTERED) + i)
                .toList();
        popularity.forEach(name -> shelf(name).write(name, nextContent++));
        stored = folder.resolve("store");
        // Room for what can be on its way and held at once, and for little more.
        diskBytes = (atOnce + 2L) * MOST_FOLDER_BYTES;
        store = AdapterStore.open(stored, diskBytes, found -> PeftAdapter.read(found, AdapterShelf.BASE)
                .digest());
        registry = AdapterRegistry.open(
                new RegistryOptions(
                        root.root(),
                        folder.resolve("state"),
                        AdapterShelf.BASE,
                        Set.of("base"),
                        1,
                        Duration.ZERO,
                        FETCH_LIMIT,
                        time),
                store,
                new SimulatedOrigins());
        popularity.stream().filter(name -> !isFolder(name)).forEach(this::register);
        source = new SimulatedSource(registry, random.split(), time);
        long mean = meanBytes();
        long hostBytes = mean * random.nextInt(3, 8);
        limits = new HostLimits(
                hostBytes,
                2 + random.nextInt(4),
                hostBytes - random.nextLong(hostBytes / 2),
                UNIT_BYTES << random.nextInt(3),
                atOnce,
                FAILURE_MEMORY,
                0);
        AdapterSource faulty = faults.source().apply(source);
        real = SteppedResidency.open(faulty, limits, time, loads, time);
        residency = new ObservedResidency(
                faults.residency().around(real, faulty, loads), this::weightKey, CacheSimulation::readKey);
        model = new FakeModel(9 + random.nextInt(16), CONTEXT, CacheSimulation::readKey);
        engine = new LoraEngine(
                new EngineConfig(
                        new SchedulerConfig(2 + random.nextInt(6), 8 + random.nextInt(24)),
                        1000,
                        MOST_ADAPTERS,
                        Set.of(),
                        AdapterShelf.BASE.digest()),
                model,
                Letters::new,
                residency,
                this::commit,
                time);
    }

    private long meanBytes() {
        return (long) popularity.stream()
                .mapToLong(name ->
                        registry.size(registry.find(TENANT, name).digest()).bytes())
                .average()
                .orElseThrow();
    }

    private CompletableFuture<SignedAcknowledgement> commit(Usage usage) {
        metered += usage.generatedTokens();
        return CompletableFuture.completedFuture(Acknowledgements.of(usage.requestId()));
    }

    private static long readKey(LoraSlot weights) {
        return WeightKeys.of(weights, AdapterShelf.BASE.layers());
    }

    private static boolean isFolder(String name) {
        return name.startsWith(FOLDER);
    }

    private AdapterShelf shelf(String name) {
        return isFolder(name) ? root : origins;
    }

    /// Makes a tenant's name stand for what lies at its origin now, where it can be had.
    private void register(String name) {
        Path origin = origins.root().resolve(name).toAbsolutePath();
        try {
            registry.register(
                    TENANT,
                    name,
                    new AdapterOrigin.LocalFolder(origin),
                    null,
                    time.instant().plus(FETCH_LIMIT));
        } catch (AdapterException e) {
            if (origins.holds(name)) {
                throw new AssertionError("a sound adapter cannot be registered", e);
            }
        }
    }

    private long weightKey(Digest digest) {
        Long fromRoot = root.weightKey(digest);
        Long key = fromRoot == null ? origins.weightKey(digest) : fromRoot;
        if (key == null) {
            throw new AssertionError("adapter " + digest + " never stood in any folder");
        }
        return key;
    }

    /// Does that many random things.
    Tally run(int steps) {
        for (int step = 1; step <= steps; step++) {
            disturb();
            engine.step();
            check();
            if (step % STEPS_BETWEEN_RESTS == 0) {
                rest();
            }
        }
        source.heal();
        rest();
        Tally tally = new Tally(
                requests,
                finished,
                failed,
                aborted,
                tokens,
                residency.granted(),
                engine.stats().preemptions(),
                real.stats(),
                store.stats());
        requireNothingLeft();
        return tally;
    }

    private void disturb() {
        int dice = random.nextInt(1000);
        if (dice < 320) {
            submit();
        } else if (dice < 640) {
            loads.step(random);
        } else if (dice < 690) {
            abort();
        } else if (dice < 800) {
            time.advance(Duration.ofMillis(random.nextInt(900)));
        } else if (dice < 820) {
            registry.rescan();
        } else if (dice < 840) {
            registerSome();
        } else if (dice < 860) {
            source.toggleFailing(digestOfSome());
        } else if (dice < 890) {
            change();
        } else if (dice < 900) {
            spoilStored();
        } else if (dice < 905) {
            shiftPopularity();
        } else if (dice < 920) {
            pinsOpen++;
            Digest pin = digestOfSome();
            pinned.add(pin);
            var _ = real.pin(
                            pin,
                            random.nextBoolean() ? Tier.HOST : Tier.DEVICE,
                            time.instant().plusSeconds(5))
                    .whenComplete((_, _) -> pinsOpen--);
        } else if (dice < 935) {
            real.unpin(digestOfSome());
        } else if (dice < 945) {
            drainsOpen++;
            var _ = real.evict(digestOfSome()).whenComplete((_, _) -> drainsOpen--);
        } else if (dice < 952) {
            spoilMemory();
        }
    }

    /// Follows Zipf(1.0): the k-th of the present order is k times rarer than the first.
    private String someName() {
        double total = 0;
        for (int k = 1; k <= NAMES; k++) {
            total += 1.0 / k;
        }
        double left = random.nextDouble() * total;
        for (int k = 1; k < NAMES; k++) {
            left -= 1.0 / k;
            if (left < 0) {
                return popularity.get(k - 1);
            }
        }
        return popularity.getLast();
    }

    private void shiftPopularity() {
        List<String> order = new ArrayList<>(popularity);
        Collections.shuffle(order, new Random(random.nextLong()));
        popularity = order;
    }

    private Digest digestOfSome() {
        try {
            return registry.find(TENANT, someName()).digest();
        } catch (AdapterException e) {
            return Digest.ZERO;
        }
    }

    private void registerSome() {
        String name = someName();
        if (!isFolder(name)) {
            if (random.nextInt(6) == 0) {
                registry.unregister(TENANT, name);
            } else {
                register(name);
            }
        }
    }

    /// The disk under the store errs; whoever reads finds out, and fetches again.
    private void spoilStored() {
        try (Stream<Path> files = Files.walk(stored)) {
            List<Path> weights = files.filter(file -> file.endsWith(AdapterShelf.WEIGHTS))
                    .sorted()
                    .toList();
            if (!weights.isEmpty()) {
                AdapterShelf.spoil(weights.get(random.nextInt(weights.size())), random);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// A bit flips in memory; the scrubber passes before the next step does.
    private void spoilMemory() {
        List<Digest> there = real.residents().stream()
                .filter(adapter -> adapter.tier() != null)
                .map(ResidentStats::digest)
                .toList();
        if (!there.isEmpty()) {
            Digest victim = there.get(random.nextInt(there.size()));
            if (SteppedResidency.spoil(real, victim, LoraPoint.QKV)) {
                spoiltLast.put(victim, time.instant());
            }
        }
    }

    private boolean spoiltSince(ExpectedAnswer answer) {
        return answer.request().adapters().stream()
                .map(adapter -> spoiltLast.get(adapter.digest()))
                .anyMatch(last -> last != null && !last.isBefore(answer.submitted()));
    }

    private void change() {
        String name = someName();
        AdapterShelf shelf = shelf(name);
        int dice = random.nextInt(10);
        if (!shelf.holds(name) || dice < 4) {
            shelf.write(name, nextContent++);
        } else if (dice < 6) {
            shelf.spoil(name, random);
        } else if (dice < 8) {
            shelf.truncate(name, random);
        } else {
            shelf.delete(name);
        }
    }

    private void submit() {
        if (open.size() == MOST_OPEN) {
            return;
        }
        List<AdapterSelection> adapters = new ArrayList<>();
        int count = random.nextInt(8) == 0 ? 0 : random.nextInt(5) == 0 ? 2 + random.nextInt(2) : 1;
        for (int i = 0; i < count; i++) {
            try {
                Digest digest = registry.find(TENANT, someName()).digest();
                if (adapters.stream().noneMatch(other -> other.digest().equals(digest))) {
                    adapters.add(new AdapterSelection(digest, 1000 * random.nextInt(1, 2000), null));
                }
            } catch (AdapterException e) {
                return; // the registry refuses the name: nothing was asked for
            }
        }
        GenerationRequest request = new GenerationRequest(
                        "r" + requests++,
                        random.ints(1 + random.nextInt(MOST_PROMPT), 0, FakeModel.VOCABULARY)
                                .toArray(),
                        adapters,
                        SamplingParams.greedy(1 + random.nextInt(MOST_TOKENS)),
                        time.instant().plusMillis(random.nextInt(500, 60_000)),
                        new BillTo(new Bytes32(random.nextInt(2), 0, 0, 0), Address.ZERO),
                        Bytes32.ZERO)
                .withChoices(random.nextInt(5) == 0 ? 2 + random.nextInt(2) : 1)
                .withPriority(random.nextInt(2));
        ExpectedAnswer answer = new ExpectedAnswer(request, adaptersKey(adapters), bytes(adapters), time.instant());
        open.add(answer);
        engine.submit(request, answer);
    }

    private long adaptersKey(List<AdapterSelection> adapters) {
        long key = 0;
        for (AdapterSelection adapter : adapters.stream()
                .sorted(Comparator.comparing(AdapterSelection::digest))
                .toList()) {
            key = FakeModel.adapterKey(key, weightKey(adapter.digest()), adapter.scale());
        }
        return key;
    }

    private long bytes(List<AdapterSelection> adapters) {
        // Each has one block, which takes whole units.
        return adapters.stream()
                .mapToLong(
                        adapter -> Math.ceilDiv(registry.size(adapter.digest()).bytes(), (long) limits.unitBytes())
                                * limits.unitBytes())
                .sum();
    }

    private void abort() {
        if (!open.isEmpty()) {
            ExpectedAnswer victim = open.get(random.nextInt(open.size()));
            victim.abort();
            engine.abort(victim.request().requestId());
        }
    }

    /// No more is asked for and no time passes: all that is open comes to its end, or it never will.
    private void rest() {
        // What an engine's step leaves to do may show in the next round only.
        int quiet = 0;
        for (int step = 0; quiet < 2; step++) {
            boolean loaded = loads.step(random);
            // What is pinned may leave no room for what waits.
            boolean unpinned = pinned.removeIf(real::unpin);
            quiet = engine.step() || loaded || unpinned ? 0 : quiet + 1;
            check();
            if (step == MOST_STEPS_OF_REST) {
                throw new AssertionError("it does not come to rest");
            }
        }
        if (!open.isEmpty()) {
            throw new AssertionError("waits although nothing is under way any more: "
                    + open.stream().map(answer -> answer.request().requestId()).toList() + "; " + real.stats() + "; "
                    + engine.stats() + "; resident: " + real.residents());
        }
        if (pinsOpen != 0 || drainsOpen != 0) {
            throw new AssertionError(pinsOpen + " pins and " + drainsOpen + " drains were never answered");
        }
        if (residency.openLeases() != 0) {
            throw new AssertionError(residency.openLeases() + " leases are open and no request is");
        }
    }

    private void check() {
        engine.checkIntegrity();
        real.checkIntegrity();
        residency.check();
        source.check();
        ResidencyStats stats = real.stats();
        if (stats.hostUsedBytes() > limits.hostBytes()
                || stats.deviceUsedBytes() > limits.deviceBytes()
                || stats.slotted() > limits.deviceSlots()
                || stats.leased() > stats.slotted()) {
            throw new AssertionError("over budget: " + stats);
        }
        StoreStats disk = store.stats();
        if (disk.usedBytes() > diskBytes) {
            throw new AssertionError("over budget: " + disk);
        }
        for (ExpectedAnswer answer : List.copyOf(open)) {
            if (answer.ended()) {
                open.remove(answer);
                settle(answer);
            }
        }
    }

    private void settle(ExpectedAnswer answer) {
        tokens += answer.streamedTokens();
        answered += answer.meteredTokens();
        EngineException failure = answer.failure();
        if (failure == null) {
            finished++;
            return;
        }
        failed++;
        aborted += answer.aborted() ? 1 : 0;
        if (!isExcused(answer, failure)) {
            throw new AssertionError("request " + answer.request().requestId() + " failed for no reason", failure);
        }
    }

    private boolean isExcused(ExpectedAnswer answer, EngineException failure) {
        return switch (failure.code()) {
            case DEADLINE_EXCEEDED -> !answer.request().deadline().isAfter(time.instant());
            case UNAVAILABLE -> answer.aborted();
            case WRONG_WEIGHTS -> spoiltSince(answer);
            case ADAPTER -> failure.getCause() instanceof AdapterException cause && isExcused(answer, cause);
            default -> false;
        };
    }

    private boolean isExcused(ExpectedAnswer answer, AdapterException cause) {
        Instant since = answer.submitted().minus(FAILURE_MEMORY);
        return switch (cause.code()) {
            case CORRUPT -> spoiltSince(answer);
            case NO_ROOM -> !answer.request().deadline().isAfter(time.instant());
            case TOO_LARGE ->
                answer.request().adapters().size() > limits.deviceSlots()
                        || answer.residentBytes() > Math.min(limits.hostBytes(), limits.deviceBytes());
            default ->
                answer.request().adapters().stream()
                        .map(AdapterSelection::digest)
                        .anyMatch(digest -> (root.missedSince(digest, since) && origins.missedSince(digest, since))
                                || source.failedSince(digest, since));
        };
    }

    private void requireNothingLeft() {
        ResidencyStats stats = real.stats();
        if (stats.leased() != 0 || stats.loading() != 0 || stats.waiting() != 0) {
            throw new AssertionError("something is left in the residency: " + stats);
        }
        EngineStats engineStats = engine.stats();
        if (engineStats.freeBlocks() != engineStats.totalBlocks()) {
            throw new AssertionError("blocks are lost: " + engineStats);
        }
        if (engineStats.generatedTokens() != tokens) {
            throw new AssertionError(engineStats.generatedTokens() + " tokens generated, " + tokens + " streamed");
        }
        if (metered != answered) {
            throw new AssertionError(metered + " tokens metered, the answers that ended well have " + answered);
        }
        real.close();
        if (real.stats().hostUsedBytes() != 0 || real.stats().slotted() != 0) {
            throw new AssertionError("memory is left: " + real.stats());
        }
    }

    @Override
    public void close() {
        real.close();
        registry.close();
        store.close();
    }
}
