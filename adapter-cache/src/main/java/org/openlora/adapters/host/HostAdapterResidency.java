package org.openlora.adapters.host;

import java.lang.foreign.Arena;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.AdapterResidency;
import org.openlora.adapters.AdapterSize;
import org.openlora.adapters.AdapterSource;
import org.openlora.adapters.Digest;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.adapters.SlotTable;
import org.openlora.kernels.BackgroundThread;
import org.openlora.kernels.LazyMemory;
import org.openlora.kernels.LoraSlot;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Adapters in one arena of host memory ([HostTier]), some of them in slots ([DeviceTier]).
///
/// A request waits holding nothing until *all* its adapters can have room in host memory at once; then it gets
/// that room in one step, putting out idle adapters in strict order of last use, and what is missing is loaded.
/// Once all are loaded it waits, holding that room, until all can have slots at once, and gets them in one
/// step. Requests with slots wait for nothing, so no two requests can ever wait for each other, and what is
/// leased is never put out. Both queues are fair ([FairQueue]).
///
/// One load per digest is under way at a time, shared by all who want it; the number of loads at a time is
/// bounded. A failed load fails its waiters and is remembered for a short time. A load that nobody waits for
/// any more is dropped if it has not begun, and otherwise ends in the cache.
///
/// Weights get checksums when they have been read and verified. They are compared with them before the first
/// request gets them, and from then on in the background ([Scrubber]). An adapter that fails is *corrupt*: its
/// leases say so ([AdapterLease#isSound]), it gets no new one, its memory is freed with the last, and the next
/// request loads it afresh.
///
/// Threads: all state is guarded by one lock, under which nothing slow happens and no foreign code runs;
/// futures are completed and listeners called after it has been given back.
public final class HostAdapterResidency implements AdapterResidency, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(HostAdapterResidency.class);

    private static final Duration LONGEST_ALARM = Duration.ofHours(1);
    private static final Duration SHORTEST_ALARM = Duration.ofMillis(1);

    private record Pin(Tier tier, AdapterSize size) {}

    private final AdapterSource source;
    private final HostLimits limits;
    private final InstantSource clock;
    private final Executor loader;
    private final Alarm alarm;
    private final Scrubber scrubber;
    private final Arena arena = Arena.ofShared();
    private final List<Consumer<? super ResidencyEvent>> listeners = new CopyOnWriteArrayList<>();

    private final ReentrantLock lock = new ReentrantLock();
    private final HostTier host;
    private final DeviceTier device;
    private final LoadQueue loads;
    private final FailedLoads failedLoads;
    private final FairQueue forRoom = new FairQueue();
    private final FairQueue forSlots = new FairQueue();
    private final Set<LeaseRequest> holding = new LinkedHashSet<>();
    private final Map<Digest, AdapterSize> hints = new LinkedHashMap<>();
    private final Map<Digest, Pin> pins = new LinkedHashMap<>();
    private boolean closed;
    private long uses;
    private long hits;
    private long misses;
    private long loaded;
    private long loadNanos;
    private long hostEvictions;
    private long deviceEvictions;
    private long failures;
    private long corruptions;

    /// Loads on platform threads that give way to a step's, and scrubs where the limits say so.
    ///
    /// @throws OutOfMemoryError where the system has no address space for the arena
    public HostAdapterResidency(AdapterSource source, HostLimits limits, InstantSource clock) {
        this(
                source,
                limits,
                clock,
                Executors.newFixedThreadPool(limits.maxConcurrentLoads(), BackgroundThread.named("adapter-load")),
                Alarm.system());
        scrubber.start();
    }

    HostAdapterResidency(AdapterSource source, HostLimits limits, InstantSource clock, Executor loader, Alarm alarm) {
        this.source = source;
        this.limits = limits;
        this.clock = clock;
        this.loader = loader;
        this.alarm = alarm;
        this.host = new HostTier(
                LazyMemory.allocate(arena, (long) limits.units() * limits.unitBytes()),
                limits.units(),
                limits.unitBytes());
        this.device = new DeviceTier(limits.deviceSlots(), limits.deviceBytes());
        this.loads = new LoadQueue(limits.maxConcurrentLoads());
        this.failedLoads = new FailedLoads(limits.failureMemory(), clock);
        this.scrubber = new Scrubber(this::loadedResidents, this::damaged, limits.scrubBytesPerSecond());
    }

    @Override
    public CompletableFuture<AdapterLease> acquire(Set<Digest> adapters, Instant deadline) {
        return acquire(adapters, Tier.DEVICE, deadline);
    }

    private CompletableFuture<AdapterLease> acquire(Set<Digest> adapters, Tier tier, Instant deadline) {
        LeaseRequest request;
        try {
            request = new LeaseRequest(sizes(adapters), tier, deadline);
        } catch (AdapterException e) {
            return CompletableFuture.failedFuture(e);
        }
        guarded(after -> {
            forRoom.add(request);
            refusal(request).ifPresent(cause -> fail(request, cause, after));
            pump(after);
        });
        var _ = request.future().whenComplete((lease, failure) -> {
            if (failure != null) {
                giveUp(request);
            }
        });
        expireOrRearm(request);
        return request.future();
    }

    @Override
    public void prefetch(List<Digest> adapters) {
        var wanted = new LinkedHashMap<Digest, AdapterSize>();
        for (Digest digest : adapters) {
            try {
                wanted.put(digest, size(digest));
            } catch (AdapterException unknown) {
                LOG.debug("a hint names an adapter that cannot be had: {}", unknown.getMessage());
            }
        }
        guarded(after -> {
            hints.clear();
            hints.putAll(wanted);
            pump(after);
        });
    }

    @Override
    public SlotTable slots() {
        return device.table();
    }

    /// Loads an adapter if it is not resident, and keeps it in a tier until it is [unpinned][#unpin]. A pin in
    /// another tier is replaced.
    ///
    /// The future ends when the adapter is there, or with an [AdapterException]: where all that is pinned would
    /// not fit into the tier's room it names the pinned. What fails leaves the pins as they were.
    public CompletableFuture<Void> pin(Digest adapter, Tier tier, Instant deadline) {
        AdapterSize size;
        try {
            size = size(adapter);
        } catch (AdapterException e) {
            return CompletableFuture.failedFuture(e);
        }
        var pin = new Pin(tier, size);
        var before = new AtomicReference<@Nullable Pin>();
        var refused = new AtomicReference<@Nullable AdapterException>();
        guarded(after -> {
            before.set(pins.put(adapter, pin));
            refused.set(pinsTooLarge().orElse(null));
            if (refused.get() != null) {
                undoPin(adapter, pin, before.get());
            }
            applyPin(adapter);
        });
        AdapterException refusal = refused.get();
        if (refusal != null) {
            return CompletableFuture.failedFuture(refusal);
        }
        return acquire(Set.of(adapter), tier, deadline).handle((lease, failure) -> {
            if (failure != null) {
                guarded(after -> {
                    undoPin(adapter, pin, before.get());
                    applyPin(adapter);
                    pump(after);
                });
                throw failure instanceof AdapterException known
                        ? known
                        : new AdapterException(Code.NO_ROOM, "pinning " + adapter + " was given up", failure);
            }
            lease.close();
            tell(new ResidencyEvent.Pinned(adapter, tier));
            return null;
        });
    }

    /// Lets an adapter be evicted again; returns whether it was pinned.
    public boolean unpin(Digest adapter) {
        var removed = new AtomicBoolean();
        guarded(after -> {
            if (pins.remove(adapter) != null) {
                removed.set(true);
                applyPin(adapter);
                after.add(() -> tell(new ResidencyEvent.Unpinned(adapter)));
                pump(after);
            }
        });
        return removed.get();
    }

    /// Drains an adapter: its pin is undone, no later request gets what is resident now, and its memory is
    /// freed once those end that hold it. The future ends then, at once where it is not resident.
    public CompletableFuture<Void> evict(Digest adapter) {
        var gone = new ArrayList<CompletableFuture<Void>>();
        guarded(after -> {
            hints.remove(adapter);
            if (pins.remove(adapter) != null) {
                applyPin(adapter);
                after.add(() -> tell(new ResidencyEvent.Unpinned(adapter)));
            }
            Resident resident = host.find(adapter);
            if (resident != null) {
                gone.add(resident.gone());
                drain(resident);
                freeIfUnused(resident, after);
                pump(after);
            }
        });
        return gone.isEmpty() ? CompletableFuture.completedFuture(null) : gone.getFirst();
    }

    /// Tells `listener` what happens from now on, on the thread where it happens: it must return at once.
    public void listen(Consumer<? super ResidencyEvent> listener) {
        listeners.add(listener);
    }

    /// What there is at this moment.
    public ResidencyStats stats() {
        lock.lock();
        try {
            List<Resident> all = host.all();
            return new ResidencyStats(
                    limits.hostBytes(),
                    host.usedBytes(),
                    limits.deviceBytes(),
                    device.usedBytes(),
                    count(all, Resident::isLoaded),
                    device.usedSlots(),
                    count(all, resident -> resident.leases() > 0),
                    count(all, resident -> !resident.isLoaded()),
                    forRoom.size()
                            + forSlots.size()
                            + count(holding, request -> request.state() == LeaseRequest.State.LOADING),
                    hits,
                    misses,
                    loaded,
                    loadNanos,
                    hostEvictions,
                    deviceEvictions,
                    failures,
                    corruptions,
                    scrubber.scrubbedBytes());
        } finally {
            lock.unlock();
        }
    }

    /// The adapters that have room in host memory, in order of digest.
    public List<ResidentStats> residents() {
        lock.lock();
        try {
            return host.all().stream()
                    .sorted(Comparator.comparing(Resident::digest))
                    .map(HostAdapterResidency::describe)
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    /// Checks every account against every other; throws [IllegalStateException] naming the first that is wrong.
    public void checkIntegrity() {
        lock.lock();
        try {
            var holds = new HashMap<Resident, Integer>();
            var leases = new HashMap<Resident, Integer>();
            for (LeaseRequest request : holding) {
                require(request.state() != LeaseRequest.State.WAITING, "a waiting request holds adapters");
                require(request.state() != LeaseRequest.State.ENDED, "a request that is over holds adapters");
                require(
                        request.state() != LeaseRequest.State.LOADING || !request.isLoaded(),
                        "a request waits for loads that have ended");
                request.held().forEach(resident -> holds.merge(resident, 1, Integer::sum));
                if (request.state() == LeaseRequest.State.LEASED && request.needsSlots()) {
                    request.held().forEach(resident -> leases.merge(resident, 1, Integer::sum));
                }
            }
            for (LeaseRequest request : forRoom.all()) {
                require(request.state() == LeaseRequest.State.WAITING, "one in the queue is " + request.state());
                require(request.held().isEmpty(), "one in the queue for room holds adapters");
            }
            for (LeaseRequest request : forSlots.all()) {
                require(request.state() == LeaseRequest.State.SEATING, "one in the queue is " + request.state());
                require(request.isLoaded(), "one in the queue for slots is not loaded");
            }
            host.checkIntegrity(holds);
            device.checkIntegrity(host.all(), leases);
            loads.checkIntegrity();
            for (Resident resident : host.all()) {
                Pin pin = resident.isDetached() ? null : pins.get(resident.digest());
                require(
                        resident.pinned() == (pin == null ? null : pin.tier()),
                        resident.digest() + " is pinned or not");
            }
            require(
                    closed || forRoom.isEmpty() || !fits(forRoom.all().getFirst()),
                    "the first request waits although there is room");
            require(
                    closed
                            || forSlots.isEmpty()
                            || !device.canSeat(forSlots.all().getFirst().held()),
                    "the first request waits although there are slots");
        } finally {
            lock.unlock();
        }
    }

    /// Ends all waiting with `CLOSED` and frees what is idle; leased adapters are freed when their leases are
    /// closed, and the arena with the last of them.
    @Override
    public void close() {
        scrubber.stop();
        guarded(after -> {
            closed = true;
            pins.clear();
            hints.clear();
            host.all().forEach(resident -> applyPin(resident.digest()));
            forRoom.all().forEach(request -> fail(request, closedException(), after));
            holding.stream()
                    .filter(LeaseRequest::isPending)
                    .toList()
                    .forEach(request -> fail(request, closedException(), after));
            pump(after);
        });
    }

    /// The weights of a resident adapter, leased or not; for tests, which spoil them.
    Optional<LoraSlot> weights(Digest adapter) {
        lock.lock();
        try {
            return Optional.ofNullable(host.find(adapter))
                    .filter(Resident::isLoaded)
                    .map(Resident::weights);
        } finally {
            lock.unlock();
        }
    }

    /// One pass over all that is resident; for tests, which have no background.
    void scrub() {
        scrubber.pass();
    }

    /// Runs `action` under the lock and what it leaves to do after it without.
    private void guarded(Consumer<List<Runnable>> action) {
        var after = new ArrayList<Runnable>();
        lock.lock();
        try {
            action.accept(after);
        } finally {
            lock.unlock();
        }
        runAll(after);
    }

    /// Runs all even where one fails: others wait for what comes behind it.
    private static void runAll(List<Runnable> actions) {
        RuntimeException failure = null;
        for (Runnable action : actions) {
            try {
                action.run();
            } catch (RuntimeException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    private void tell(ResidencyEvent event) {
        listeners.forEach(listener -> listener.accept(event));
    }

    private SortedMap<Digest, AdapterSize> sizes(Set<Digest> adapters) {
        var sizes = new TreeMap<Digest, AdapterSize>();
        for (Digest digest : adapters) {
            sizes.put(digest, size(digest));
        }
        return sizes;
    }

    /// What is resident needs no source: it may have been taken off the registry meanwhile.
    private AdapterSize size(Digest digest) {
        lock.lock();
        try {
            Resident resident = host.find(digest);
            if (resident != null) {
                return resident.size();
            }
        } finally {
            lock.unlock();
        }
        return source.size(digest);
    }

    /// Why a request cannot be granted, now or ever.
    private Optional<AdapterException> refusal(LeaseRequest request) {
        if (closed) {
            return Optional.of(closedException());
        }
        long units = request.sizes().values().stream().mapToLong(host::unitsOf).sum();
        if (units > host.units()
                || (request.needsSlots()
                        && (request.sizes().size() > limits.deviceSlots()
                                || request.totalBytes() > limits.deviceBytes()))) {
            return Optional.of(tooLarge(request));
        }
        return failedLoads.find(host.missing(request.sizes()).keySet());
    }

    /// Grants and starts what can be granted and started now.
    private void pump(List<Runnable> after) {
        forRoom.serve(this::fits, request -> host.hasAll(request.sizes().keySet()), request -> hold(request, after));
        forSlots.serve(
                request -> device.canSeat(request.held()),
                request -> request.held().stream().allMatch(Resident::hasSlot),
                request -> seat(request, after));
        if (closed) {
            host.idleOldestFirst().forEach(resident -> free(resident, after));
        } else {
            expect(after);
        }
        startLoads(after);
        if (closed && host.isEmpty() && arena.scope().isAlive()) {
            after.add(this::releaseArena);
        }
    }

    private boolean fits(LeaseRequest request) {
        return host.canHold(request.sizes());
    }

    /// Gives a request that no longer is in the queue room in host memory for all its adapters.
    private void hold(LeaseRequest request, List<Runnable> after) {
        Optional<AdapterException> refusal = refusal(request);
        if (refusal.isPresent()) {
            fail(request, refusal.get(), after);
            return;
        }
        request.state(LeaseRequest.State.LOADING);
        holding.add(request);
        hints.keySet().removeAll(request.sizes().keySet());
        if (!host.canHoldInPlace(request.sizes())) {
            // What it has already lies in the midst of the only room for what it lacks: all of it is loaded anew.
            for (Resident inTheWay : host.idleOf(request.sizes().keySet())) {
                hostEvictions++;
                free(inTheWay, after);
            }
        }
        SortedMap<Digest, AdapterSize> missing = host.missing(request.sizes());
        // What is there first, lest it be put out to make room for what is not.
        var held = new TreeMap<Digest, Resident>();
        request.sizes().keySet().forEach(digest -> {
            Resident resident = host.find(digest);
            if (resident != null) {
                hits++;
                resident.countHit();
                use(resident, () -> resident.holds(resident.holds() + 1));
                held.put(digest, resident);
            }
        });
        misses += missing.size();
        for (Resident resident : reserve(missing, any -> true, after)) {
            use(resident, () -> resident.holds(1));
            held.put(resident.digest(), resident);
        }
        request.held().addAll(held.values());
        for (Resident resident : request.held()) {
            if (resident.phase() == Resident.Phase.LOADED) {
                resident.phase(Resident.Phase.TO_CHECK);
                loads.add(resident);
            }
            if (!resident.isReady()) {
                resident.awaiting().add(request);
            }
        }
        proceedIfLoaded(request, after);
    }

    /// Makes room for adapters that have none, putting out the least recently used that may go, and queues
    /// their loads.
    private List<Resident> reserve(
            SortedMap<Digest, AdapterSize> missing, Predicate<Resident> mayGo, List<Runnable> after) {
        if (missing.isEmpty()) {
            return List.of();
        }
        for (Resident victim : host.toEvict(List.copyOf(missing.values()), mayGo)) {
            hostEvictions++;
            free(victim, after);
        }
        List<Resident> reserved = host.reserve(missing);
        for (Resident resident : reserved) {
            resident.used(++uses, clock.instant());
            applyPin(resident.digest());
            loads.add(resident);
        }
        return reserved;
    }

    /// Begins to load what is pinned or expected and not there, while nothing else is to be loaded.
    private void expect(List<Runnable> after) {
        if (!forRoom.isEmpty() || (pins.isEmpty() && hints.isEmpty())) {
            return;
        }
        var expected = new LinkedHashMap<Digest, AdapterSize>();
        pins.forEach((digest, pin) -> expected.put(digest, pin.size()));
        hints.forEach(expected::putIfAbsent);
        for (Map.Entry<Digest, AdapterSize> next : expected.entrySet()) {
            Digest digest = next.getKey();
            if (loads.isSaturated()) {
                return;
            }
            if (host.find(digest) == null && !failedLoads.contains(digest)) {
                Predicate<Resident> mayGo = resident -> !expected.containsKey(resident.digest());
                if (!host.canPlace(List.of(next.getValue()), mayGo)) {
                    return;
                }
                reserve(new TreeMap<>(Map.of(digest, next.getValue())), mayGo, after);
            }
        }
    }

    private void proceedIfLoaded(LeaseRequest request, List<Runnable> after) {
        if (!request.isLoaded()) {
            return;
        }
        if (request.needsSlots()) {
            request.state(LeaseRequest.State.SEATING);
            forSlots.add(request);
        } else {
            lease(request, after);
        }
    }

    /// Gives a request that no longer is in the queue slots for all its adapters.
    private void seat(LeaseRequest request, List<Runnable> after) {
        device.seat(request.held(), evicted -> {
            deviceEvictions++;
            after.add(() -> tell(new ResidencyEvent.Evicted(evicted.digest(), Tier.DEVICE)));
        });
        lease(request, after);
    }

    private void lease(LeaseRequest request, List<Runnable> after) {
        request.state(LeaseRequest.State.LEASED);
        var lease = new HeldLease(request, List.copyOf(request.held()));
        after.add(() -> {
            if (!request.future().complete(lease)) {
                lease.close();
            }
        });
    }

    private void startLoads(List<Runnable> after) {
        for (Optional<Resident> next = loads.start(); next.isPresent(); next = loads.start()) {
            Resident resident = next.get();
            boolean toLoad = resident.phase() == Resident.Phase.TO_LOAD;
            resident.phase(toLoad ? Resident.Phase.LOADING : Resident.Phase.CHECKING);
            after.add(() -> loader.execute(() -> work(resident, toLoad)));
        }
    }

    /// On a loading thread: reads an adapter if that is still to be done, and checks it if somebody waits for
    /// it.
    private void work(Resident resident, boolean toLoad) {
        try {
            if (!toLoad || load(resident)) {
                check(resident);
            }
        } finally {
            guarded(after -> {
                loads.ended();
                pump(after);
            });
        }
    }

    /// Returns whether it is loaded and to be checked.
    private boolean load(Resident resident) {
        long begin = System.nanoTime();
        LoraSlot weights;
        try {
            weights = source.load(resident.digest(), resident.placement());
            resident.placement().seal();
        } catch (RuntimeException | Error e) {
            loadFailed(resident, loadException(resident, e));
            return false;
        }
        long tookNanos = System.nanoTime() - begin;
        var wanted = new AtomicBoolean();
        guarded(after -> {
            loaded++;
            loadNanos += tookNanos;
            host.trim(resident);
            changing(resident);
            resident.loaded(weights);
            if (resident.holds() > 0) {
                resident.phase(Resident.Phase.CHECKING);
                wanted.set(true);
            }
            changed(resident);
            if (resident.isToBeDrained()) {
                detach(resident);
            }
            freeIfUnused(resident, after);
            long bytes = resident.size().bytes();
            after.add(() -> tell(new ResidencyEvent.Loaded(resident.digest(), bytes, Duration.ofNanos(tookNanos))));
        });
        return wanted.get();
    }

    private void loadFailed(Resident resident, AdapterException cause) {
        guarded(after -> {
            failures++;
            failedLoads.remember(resident.digest(), cause);
            failAll(resident, cause, after);
            host.free(resident);
            after.add(() -> resident.gone().complete(null));
            after.add(() -> tell(new ResidencyEvent.Failed(resident.digest(), cause)));
        });
    }

    private void check(Resident resident) {
        OptionalInt damaged = resident.placement().firstDamaged();
        guarded(after -> {
            changing(resident);
            resident.phase(Resident.Phase.READY);
            changed(resident);
            if (damaged.isPresent()) {
                condemn(resident, damaged.getAsInt(), after);
            } else {
                List.copyOf(resident.awaiting()).forEach(request -> proceedIfLoaded(request, after));
                resident.awaiting().clear();
                freeIfUnused(resident, after);
            }
        });
    }

    private List<Resident> loadedResidents() {
        lock.lock();
        try {
            return host.all().stream()
                    .filter(resident -> resident.isLoaded() && !resident.isCorrupt())
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    /// The scrubber found a block damaged, unless it has become another's memory while it was read.
    private void damaged(Resident resident, int block) {
        guarded(after -> {
            if (resident.isLoaded() && !resident.isCorrupt()) {
                condemn(resident, block, after);
                pump(after);
            }
        });
    }

    private void condemn(Resident resident, int block, List<Runnable> after) {
        corruptions++;
        resident.condemn();
        detach(resident);
        failAll(
                resident,
                new AdapterException(
                        Code.CORRUPT,
                        "the weights of adapter " + resident.digest() + " were changed in memory (block " + block
                                + "); they are loaded afresh at the next request"),
                after);
        freeIfUnused(resident, after);
        after.add(() -> tell(new ResidencyEvent.Corrupt(resident.digest())));
    }

    /// Fails all requests that hold an adapter and have no lease yet.
    private void failAll(Resident resident, AdapterException cause, List<Runnable> after) {
        holding.stream()
                .filter(request -> request.isPending() && request.held().contains(resident))
                .toList()
                .forEach(request -> fail(
                        request, new AdapterException(cause.code(), String.valueOf(cause.getMessage()), cause), after));
    }

    /// Ends a request that has no lease yet.
    private void fail(LeaseRequest request, AdapterException cause, List<Runnable> after) {
        end(request, after);
        after.add(() -> request.future().completeExceptionally(cause));
    }

    /// Takes back all that a request holds.
    private void end(LeaseRequest request, List<Runnable> after) {
        boolean leased = request.state() == LeaseRequest.State.LEASED && request.needsSlots();
        request.state(LeaseRequest.State.ENDED);
        forRoom.remove(request);
        forSlots.remove(request);
        holding.remove(request);
        List<Resident> held = List.copyOf(request.held());
        request.held().clear();
        for (Resident resident : held) {
            resident.awaiting().remove(request);
            use(resident, () -> {
                resident.holds(resident.holds() - 1);
                if (leased) {
                    resident.leases(resident.leases() - 1);
                }
                if (resident.holds() == 0 && resident.phase() == Resident.Phase.TO_CHECK) {
                    loads.remove(resident);
                    resident.phase(Resident.Phase.LOADED);
                }
            });
            boolean unwanted = resident.phase() == Resident.Phase.TO_LOAD
                    && resident.holds() == 0
                    && !pins.containsKey(resident.digest());
            if (unwanted) {
                free(resident, after);
            } else {
                freeIfUnused(resident, after);
            }
        }
    }

    /// What is on its way is hidden once it has arrived, lest a second load begin beside the first.
    private void drain(Resident resident) {
        boolean onItsWay = resident.phase() == Resident.Phase.LOADING
                || (resident.phase() == Resident.Phase.TO_LOAD && resident.holds() > 0);
        if (onItsWay) {
            resident.drainOnceLoaded();
        } else {
            detach(resident);
        }
    }

    private void detach(Resident resident) {
        changing(resident);
        resident.pinned(null);
        host.detach(resident);
        changed(resident);
    }

    /// Frees what requests can no longer find once nobody holds it and no thread works on it.
    private void freeIfUnused(Resident resident, List<Runnable> after) {
        boolean busy =
                switch (resident.phase()) {
                    case LOADING, CHECKING, GONE -> true;
                    case TO_LOAD, LOADED, TO_CHECK, READY -> false;
                };
        if ((resident.isDetached() || closed) && resident.holds() == 0 && !busy) {
            free(resident, after);
        }
    }

    private void free(Resident resident, List<Runnable> after) {
        boolean wasLoaded = resident.isLoaded();
        if (resident.hasSlot()) {
            device.clear(resident);
        }
        loads.remove(resident);
        host.free(resident);
        after.add(() -> resident.gone().complete(null));
        if (wasLoaded) {
            after.add(() -> tell(new ResidencyEvent.Evicted(resident.digest(), Tier.HOST)));
        }
    }

    /// Changes something about an adapter that counts as a use of it.
    private void use(Resident resident, Runnable change) {
        changing(resident);
        change.run();
        resident.used(++uses, clock.instant());
        changed(resident);
    }

    private void changing(Resident resident) {
        host.changing(resident);
        device.changing(resident);
    }

    private void changed(Resident resident) {
        host.changed(resident);
        device.changed(resident);
    }

    /// Tells the resident, if there is one, what the pins say.
    private void applyPin(Digest adapter) {
        Resident resident = host.find(adapter);
        if (resident != null) {
            Pin pin = pins.get(adapter);
            changing(resident);
            resident.pinned(pin == null ? null : pin.tier());
            changed(resident);
        }
    }

    /// Puts back what stood before, unless somebody changed it meanwhile.
    private void undoPin(Digest adapter, Pin pin, @Nullable Pin before) {
        if (pins.remove(adapter, pin) && before != null) {
            pins.put(adapter, before);
        }
    }

    private Optional<AdapterException> pinsTooLarge() {
        long units = pins.values().stream()
                .mapToLong(pin -> host.unitsOf(pin.size()))
                .sum();
        List<Pin> slotted =
                pins.values().stream().filter(pin -> pin.tier() == Tier.DEVICE).toList();
        long slottedBytes =
                slotted.stream().mapToLong(pin -> pin.size().bytes()).sum();
        if (units <= host.units() && slotted.size() <= limits.deviceSlots() && slottedBytes <= limits.deviceBytes()) {
            return Optional.empty();
        }
        return Optional.of(new AdapterException(
                Code.TOO_LARGE,
                "these adapters cannot all be pinned: " + pins.keySet() + "; they need " + units * limits.unitBytes()
                        + " bytes of host memory and, for " + slotted.size() + " slots, " + slottedBytes
                        + " bytes of device room; allowed: " + limits.hostBytes() + " bytes, " + limits.deviceSlots()
                        + " slots, " + limits.deviceBytes() + " bytes"));
    }

    /// The caller cancelled, or the request has failed already.
    private void giveUp(LeaseRequest request) {
        guarded(after -> {
            if (request.isPending()) {
                end(request, after);
                pump(after);
            }
        });
    }

    private void release(LeaseRequest request) {
        guarded(after -> {
            if (request.state() == LeaseRequest.State.LEASED) {
                end(request, after);
                pump(after);
            }
        });
    }

    private void releaseArena() {
        lock.lock();
        try {
            if (arena.scope().isAlive()) {
                arena.close();
            }
        } finally {
            lock.unlock();
        }
        if (loader instanceof ExecutorService threads) {
            threads.shutdown();
        }
    }

    private void expireOrRearm(LeaseRequest request) {
        guarded(after -> {
            if (!request.isPending()) {
                return;
            }
            Instant now = clock.instant();
            if (request.deadline().isAfter(now)) {
                after.add(() -> alarm.after(alarmDelay(now, request.deadline()), () -> expireOrRearm(request)));
                return;
            }
            AdapterException overdue = overdue(request);
            fail(request, overdue, after);
            pump(after);
        });
    }

    private static Duration alarmDelay(Instant now, Instant deadline) {
        if (deadline.isAfter(now.plus(LONGEST_ALARM))) {
            return LONGEST_ALARM;
        }
        Duration left = Duration.between(now, deadline);
        return left.compareTo(SHORTEST_ALARM) < 0 ? SHORTEST_ALARM : left;
    }

    private AdapterException overdue(LeaseRequest request) {
        String adapters = request.sizes().size() + " adapters";
        return switch (request.state()) {
            case WAITING ->
                new AdapterException(
                        Code.NO_ROOM,
                        "no room for " + adapters + " became free before the deadline: " + host.usedBytes() + " of "
                                + limits.hostBytes() + " bytes of host memory are taken, " + pins.size()
                                + " adapters are pinned");
            case LOADING -> new AdapterException(Code.NO_ROOM, adapters + " were not loaded before the deadline");
            case SEATING, LEASED, ENDED ->
                new AdapterException(
                        Code.NO_ROOM,
                        "no slots for " + adapters + " became free before the deadline: " + device.usedSlots()
                                + " of " + limits.deviceSlots() + " are in use, with " + device.usedBytes() + " of "
                                + limits.deviceBytes() + " bytes, " + pins.size() + " adapters are pinned");
        };
    }

    private AdapterException tooLarge(LeaseRequest request) {
        return new AdapterException(
                Code.TOO_LARGE,
                request.sizes().size() + " adapters of " + request.totalBytes()
                        + " bytes can never be resident together; allowed: " + limits.deviceSlots() + " adapters of "
                        + limits.deviceBytes() + " bytes, in " + limits.hostBytes() + " bytes of host memory");
    }

    private static AdapterException closedException() {
        return new AdapterException(Code.CLOSED, "adapters are no longer served: the engine is shutting down");
    }

    private static AdapterException loadException(Resident resident, Throwable cause) {
        return switch (cause) {
            case AdapterException known -> known;
            case OutOfMemoryError memory ->
                new AdapterException(
                        Code.TOO_LARGE,
                        "no memory to read the " + resident.size().bytes() + " bytes of adapter " + resident.digest(),
                        memory);
            default ->
                new AdapterException(
                        Code.INVALID,
                        "adapter " + resident.digest() + " cannot be loaded: " + OneLine.reason(cause),
                        cause);
        };
    }

    private static ResidentStats describe(Resident resident) {
        Tier tier = resident.hasSlot() ? Tier.DEVICE : Tier.HOST;
        return new ResidentStats(
                resident.digest(),
                resident.isLoaded() ? tier : null,
                (long) resident.placement().units() * resident.placement().unitBytes(),
                resident.leases(),
                resident.pinned(),
                resident.isIdle(),
                resident.hits(),
                resident.lastUsed());
    }

    private static <T> int count(Iterable<T> all, Predicate<T> which) {
        int count = 0;
        for (T one : all) {
            count += which.test(one) ? 1 : 0;
        }
        return count;
    }

    private static void require(boolean held, String problem) {
        if (!held) {
            throw new IllegalStateException("residency: " + problem);
        }
    }

    /// The caller's hold on its adapters.
    private final class HeldLease implements AdapterLease {
        private final LeaseRequest request;
        private final List<ResidentAdapter> adapters;

        HeldLease(LeaseRequest request, List<Resident> adapters) {
            this.request = request;
            this.adapters = List.copyOf(adapters);
        }

        @Override
        public List<ResidentAdapter> adapters() {
            return adapters;
        }

        @Override
        public void close() {
            release(request);
        }
    }
}
