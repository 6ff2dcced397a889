package org.openlora.adapters.host;

import java.lang.foreign.Arena;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.AdapterMemory;
import org.openlora.adapters.AdapterResidency;
import org.openlora.adapters.AdapterSource;
import org.openlora.adapters.Digest;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.adapters.SlotTable;
import org.openlora.kernels.LoraSlot;

/// Adapters in host memory, each in an arena of its own that lives from its load to its eviction.
///
/// A request waits holding nothing until *all* its adapters can have room at once; then it gets that room in one
/// step, putting out idle adapters in strict order of last use, and what is missing is loaded. So no two requests
/// can ever wait for each other, and what is leased is never put out. Requests that need room are served in order
/// of arrival. One that needs none may overtake, but only [#MAX_OVERTAKES] times the same one: a cold adapter
/// cannot be starved by hot ones.
///
/// One load per digest is under way at a time, shared by all who want it, on a virtual thread; the number of
/// loads at a time is bounded. A failed load fails its waiters and is remembered for a short time.
///
/// Threads: all state is guarded by one lock, under which nothing slow happens and no foreign code runs; futures
/// are completed and memory is freed after it has been given back.
public final class HostAdapterResidency implements AdapterResidency, AutoCloseable {
    /// How many later requests may go before the same waiting one.
    static final int MAX_OVERTAKES = 64;

    private static final Duration LONGEST_ALARM = Duration.ofHours(1);
    private static final Duration SHORTEST_ALARM = Duration.ofMillis(1);

    private final AdapterSource source;
    private final HostLimits limits;
    private final InstantSource clock;
    private final Executor loader;
    private final Alarm alarm;
    private final Semaphore concurrentLoads;

    private final ReentrantLock lock = new ReentrantLock();
    private final HostMemory memory;
    private final FailedLoads failedLoads;
    private final Deque<LeaseRequest> waiting = new ArrayDeque<>();
    private final Set<LeaseRequest> holding = new LinkedHashSet<>();
    private boolean closed;
    private long hits;
    private long loads;
    private long failures;

    public HostAdapterResidency(AdapterSource source, HostLimits limits, InstantSource clock) {
        this(source, limits, clock, Thread::startVirtualThread, Alarm.system());
    }

    HostAdapterResidency(AdapterSource source, HostLimits limits, InstantSource clock, Executor loader, Alarm alarm) {
        this.source = source;
        this.limits = limits;
        this.clock = clock;
        this.loader = loader;
        this.alarm = alarm;
        this.concurrentLoads = new Semaphore(limits.maxConcurrentLoads());
        this.memory = new HostMemory(limits.capacityBytes(), limits.maxAdapters());
        this.failedLoads = new FailedLoads(limits.failureMemory(), clock);
    }

    @Override
    public CompletableFuture<AdapterLease> acquire(Set<Digest> adapters, Instant deadline) {
        LeaseRequest request;
        try {
            request = new LeaseRequest(sizesBytes(adapters), deadline);
        } catch (AdapterException e) {
            return CompletableFuture.failedFuture(e);
        }
        guarded(after -> {
            waiting.add(request);
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
    public void prefetch(List<Digest> adapters) {}

    @Override
    public SlotTable slots() {
        return memory.table();
    }

    /// What there is at this moment.
    public HostResidencyStats stats() {
        lock.lock();
        try {
            return new HostResidencyStats(
                    limits.capacityBytes(),
                    memory.reservedBytes(),
                    memory.size() - memory.loading(),
                    memory.leased(),
                    memory.loading(),
                    waiting.size(),
                    hits,
                    loads,
                    memory.evictions(),
                    failures);
        } finally {
            lock.unlock();
        }
    }

    /// Checks every account against every other; throws [IllegalStateException] naming the first that is wrong.
    public void checkIntegrity() {
        lock.lock();
        try {
            var holds = new HashMap<Resident, Integer>();
            for (LeaseRequest request : holding) {
                if (request.state() == LeaseRequest.State.WAITING || request.state() == LeaseRequest.State.ENDED) {
                    throw new IllegalStateException("a request that is " + request.state() + " holds adapters");
                }
                request.pinned().forEach(resident -> holds.merge(resident, 1, Integer::sum));
            }
            for (LeaseRequest request : waiting) {
                if (request.state() != LeaseRequest.State.WAITING
                        || !request.pinned().isEmpty()) {
                    throw new IllegalStateException("a request in the queue is " + request.state());
                }
            }
            memory.checkIntegrity(holds);
            if (!closed
                    && !waiting.isEmpty()
                    && memory.canHold(waiting.getFirst().sizesBytes())) {
                throw new IllegalStateException("the first request waits although there is room");
            }
        } finally {
            lock.unlock();
        }
    }

    /// Ends all waiting with `CLOSED` and frees what is idle; leased adapters are freed when their leases are
    /// closed.
    @Override
    public void close() {
        guarded(after -> {
            closed = true;
            List.copyOf(waiting).forEach(request -> fail(request, closedException(), after));
            holding.stream()
                    .filter(LeaseRequest::isPending)
                    .toList()
                    .forEach(request -> fail(request, closedException(), after));
            pump(after);
        });
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

    private SortedMap<Digest, Long> sizesBytes(Set<Digest> adapters) {
        var sizes = new TreeMap<Digest, Long>();
        for (Digest digest : adapters) {
            // What is resident needs no source: it may have been taken off the registry meanwhile.
            sizes.put(digest, residentSizeBytes(digest));
        }
        return sizes;
    }

    private long residentSizeBytes(Digest digest) {
        lock.lock();
        try {
            Resident resident = memory.find(digest);
            if (resident != null) {
                return resident.sizeBytes();
            }
        } finally {
            lock.unlock();
        }
        return source.size(digest).bytes();
    }

    /// Why a request cannot be granted, now or ever.
    private Optional<AdapterException> refusal(LeaseRequest request) {
        if (closed) {
            return Optional.of(closedException());
        }
        if (request.totalBytes() > limits.capacityBytes()
                || request.sizesBytes().size() > limits.maxAdapters()) {
            return Optional.of(tooLarge(request));
        }
        return failedLoads.find(request.sizesBytes().keySet());
    }

    /// Grants what can be granted now.
    private void pump(List<Runnable> after) {
        while (!waiting.isEmpty() && memory.canHold(waiting.getFirst().sizesBytes())) {
            grant(waiting.removeFirst(), after);
        }
        if (!waiting.isEmpty()) {
            letOvertake(waiting.getFirst(), after);
        }
        if (closed) {
            memory.idleOldestFirst().forEach(resident -> {
                memory.remove(resident);
                after.add(resident::free);
            });
        }
    }

    private void letOvertake(LeaseRequest first, List<Runnable> after) {
        Iterator<LeaseRequest> later = waiting.iterator();
        while (later.hasNext() && first.overtaken() < MAX_OVERTAKES) {
            LeaseRequest request = later.next();
            if (request != first && memory.hasAll(request.sizesBytes())) {
                later.remove();
                first.countOvertaken();
                grant(request, after);
            }
        }
    }

    /// Gives a request that no longer is in the queue room for all its adapters.
    private void grant(LeaseRequest request, List<Runnable> after) {
        Optional<AdapterException> refusal = refusal(request);
        if (refusal.isPresent()) {
            fail(request, refusal.get(), after);
            return;
        }
        request.state(LeaseRequest.State.GRANTED);
        holding.add(request);
        // What is there first, lest it be put out to make room for what is not.
        var missing = new ArrayList<Digest>();
        var pinned = new TreeMap<Digest, Resident>();
        request.sizesBytes().keySet().forEach(digest -> {
            Resident resident = memory.find(digest);
            if (resident == null) {
                missing.add(digest);
            } else {
                memory.pin(resident);
                pinned.put(digest, resident);
                hits++;
            }
        });
        var evicted = new ArrayList<Resident>();
        var starting = new ArrayList<Resident>();
        for (Digest digest : missing) {
            long sizeBytes = request.sizesBytes().getOrDefault(digest, 0L);
            Resident resident = memory.reserve(digest, sizeBytes, evicted);
            pinned.put(digest, resident);
            starting.add(resident);
        }
        evicted.forEach(resident -> after.add(resident::free));
        starting.forEach(resident -> startLoad(resident, after));

        request.pinned().addAll(pinned.values());
        request.pinned().stream().filter(resident -> !resident.isLoaded()).forEach(resident -> resident.awaiting()
                .add(request));
        completeIfLoaded(request, after);
    }

    private void completeIfLoaded(LeaseRequest request, List<Runnable> after) {
        if (!request.isComplete()) {
            return;
        }
        request.state(LeaseRequest.State.LEASED);
        var lease = new HeldLease(request, List.copyOf(request.pinned()));
        after.add(() -> {
            if (!request.future().complete(lease)) {
                lease.close();
            }
        });
    }

    private void startLoad(Resident resident, List<Runnable> after) {
        loads++;
        after.add(() -> loader.execute(() -> load(resident)));
    }

    private void load(Resident resident) {
        concurrentLoads.acquireUninterruptibly();
        try {
            Arena arena = Arena.ofShared();
            LoraSlot weights;
            try {
                weights = source.load(resident.digest(), AdapterMemory.in(arena, resident.digest()));
            } catch (RuntimeException | Error e) {
                arena.close();
                loadFailed(resident, loadException(resident, e));
                return;
            }
            loaded(resident, arena, weights);
        } finally {
            concurrentLoads.release();
        }
    }

    private void loaded(Resident resident, Arena arena, LoraSlot weights) {
        guarded(after -> {
            resident.loaded(arena, weights);
            memory.table().set(resident.slot(), resident);
            memory.addIfIdle(resident);
            List.copyOf(resident.awaiting()).forEach(request -> completeIfLoaded(request, after));
            resident.awaiting().clear();
            pump(after);
        });
    }

    private void loadFailed(Resident resident, AdapterException cause) {
        guarded(after -> {
            failures++;
            failedLoads.remember(resident.digest(), cause);
            List.copyOf(resident.awaiting())
                    .forEach(request -> fail(
                            request,
                            new AdapterException(cause.code(), String.valueOf(cause.getMessage()), cause),
                            after));
            memory.remove(resident);
            pump(after);
        });
    }

    /// Ends a request that has no lease yet.
    private void fail(LeaseRequest request, AdapterException cause, List<Runnable> after) {
        end(request);
        after.add(() -> request.future().completeExceptionally(cause));
    }

    /// Takes back all that a request holds.
    private void end(LeaseRequest request) {
        request.state(LeaseRequest.State.ENDED);
        waiting.remove(request);
        holding.remove(request);
        for (Resident resident : request.pinned()) {
            resident.awaiting().remove(request);
            memory.unpin(resident);
        }
        request.pinned().clear();
    }

    /// The caller cancelled, or the request has failed already.
    private void giveUp(LeaseRequest request) {
        guarded(after -> {
            if (request.isPending()) {
                end(request);
                pump(after);
            }
        });
    }

    private void release(LeaseRequest request) {
        guarded(after -> {
            if (request.state() == LeaseRequest.State.LEASED) {
                end(request);
                pump(after);
            }
        });
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
        String what = request.state() == LeaseRequest.State.WAITING
                ? "no room for " + request.sizesBytes().size() + " adapters became free before the deadline: "
                        + memory.leased() + " of at most " + limits.maxAdapters() + " adapters are in use, "
                        + memory.reservedBytes() + " of " + limits.capacityBytes() + " bytes are taken"
                : "adapters were not loaded before the deadline";
        return new AdapterException(Code.NO_ROOM, what);
    }

    private AdapterException tooLarge(LeaseRequest request) {
        return new AdapterException(
                Code.TOO_LARGE,
                request.sizesBytes().size() + " adapters of " + request.totalBytes()
                        + " bytes can never be resident together; allowed: " + limits.maxAdapters() + " adapters of "
                        + limits.capacityBytes() + " bytes");
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
                        "no memory for the " + resident.sizeBytes() + " bytes of adapter " + resident.digest(),
                        memory);
            default ->
                new AdapterException(
                        Code.INVALID,
                        "adapter " + resident.digest() + " cannot be loaded: " + OneLine.reason(cause),
                        cause);
        };
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
