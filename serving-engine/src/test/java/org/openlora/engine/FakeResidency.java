package org.openlora.engine;

import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.AdapterResidency;
import org.openlora.adapters.Digest;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.adapters.SlotTable;
import org.openlora.kernels.Bf16;
import org.openlora.kernels.LoraModule;
import org.openlora.kernels.LoraPoint;
import org.openlora.kernels.LoraSlot;
import org.openlora.kernels.SavedEmbedding;

/// Adapters without weights, that count their leases; a held digest becomes ready only when the test says so.
/// Faults can be planted: in the slot table, in a lease, in the weights.
final class FakeResidency implements AdapterResidency {
    private final Set<Digest> held = new HashSet<>();
    private final Map<Digest, String> broken = new HashMap<>();
    private final Map<Digest, Digest> exchanged = new HashMap<>();
    private final List<Runnable> pending = new ArrayList<>();
    private final Map<Digest, Resident> residents = new HashMap<>();
    private final List<List<Digest>> hints = new ArrayList<>();
    private final Set<Digest> saving = new HashSet<>();
    private final Table table = new Table();
    private int leases;
    private int granted;
    private int failuresLeft;

    @Override
    public synchronized CompletableFuture<AdapterLease> acquire(Set<Digest> adapters, Instant deadline) {
        if (failuresLeft > 0) {
            failuresLeft--;
            throw new IllegalStateException("planted fault of the residency");
        }
        CompletableFuture<AdapterLease> lease = new CompletableFuture<>();
        for (Digest digest : adapters) {
            if (broken.containsKey(digest)) {
                lease.completeExceptionally(new IllegalStateException(broken.get(digest)));
                return lease;
            }
        }
        if (adapters.stream().anyMatch(held::contains)) {
            pending.add(() -> grant(adapters, lease));
        } else {
            grant(adapters, lease);
        }
        return lease;
    }

    @Override
    public synchronized void prefetch(List<Digest> adapters) {
        hints.add(List.copyOf(adapters));
    }

    @Override
    public SlotTable slots() {
        return table;
    }

    private void grant(Set<Digest> adapters, CompletableFuture<AdapterLease> future) {
        Lease lease;
        synchronized (this) {
            TreeSet<Digest> given = new TreeSet<>();
            adapters.forEach(digest -> given.add(exchanged.getOrDefault(digest, digest)));
            leases++;
            granted++;
            lease = new Lease(
                    given.stream().<ResidentAdapter>map(this::resident).toList());
        }
        if (!future.complete(lease)) {
            lease.close(); // given up
        }
    }

    private Resident resident(Digest digest) {
        return residents.computeIfAbsent(digest, _ -> {
            Resident resident = new Resident(digest, saving.contains(digest), table.slots());
            table.add(resident);
            return resident;
        });
    }

    synchronized void hold(Digest digest) {
        held.add(digest);
    }

    synchronized void breakAdapter(Digest digest, String reason) {
        broken.put(digest, reason);
    }

    /// The next requests for adapters make this throw.
    synchronized void failNext(int count) {
        failuresLeft = count;
    }

    /// Whoever asks for one adapter gets another.
    synchronized void exchange(Digest asked, Digest given) {
        exchanged.put(asked, given);
    }

    /// The slot of one adapter holds another, or is empty.
    synchronized void plant(Digest slotOf, @Nullable Digest holds) {
        table.set(resident(slotOf).slot(), holds == null ? null : resident(holds));
    }

    /// The slot holds again what belongs there.
    synchronized void repair(Digest slotOf) {
        Resident resident = resident(slotOf);
        table.set(resident.slot(), resident);
    }

    /// The weights in memory change; whoever asks from now on gets them newly loaded, into another slot.
    synchronized void corrupt(Digest digest) {
        resident(digest).sound = false;
        residents.remove(digest);
    }

    /// Some slot that nobody uses changes.
    void touchTable() {
        table.touch();
    }

    void releaseHeld() {
        List<Runnable> ready;
        synchronized (this) {
            held.clear();
            ready = List.copyOf(pending);
            pending.clear();
        }
        ready.forEach(Runnable::run);
    }

    synchronized int openLeases() {
        return leases;
    }

    /// Leases ever granted.
    synchronized int granted() {
        return granted;
    }

    synchronized List<List<Digest>> hints() {
        return List.copyOf(hints);
    }

    /// From now on the adapter, when it is first asked for, brings an embedding of its own.
    synchronized void saveEmbedding(Digest digest) {
        saving.add(digest);
    }

    record Slot(Digest digest, @Nullable SavedEmbedding savedEmbedding) implements LoraSlot {
        @Override
        public List<LoraModule> modules(int layer, LoraPoint point) {
            return List.of();
        }

        @Override
        public long tag() {
            return digest.tag();
        }
    }

    private static final class Table implements SlotTable {
        private final List<@Nullable ResidentAdapter> content = new ArrayList<>();
        private long epoch;

        synchronized void add(ResidentAdapter resident) {
            content.add(resident);
            epoch++;
        }

        synchronized void set(int slot, @Nullable ResidentAdapter resident) {
            content.set(slot, resident);
            epoch++;
        }

        synchronized void touch() {
            epoch++;
        }

        @Override
        public synchronized int slots() {
            return content.size();
        }

        @Override
        public synchronized long epoch() {
            return epoch;
        }

        @Override
        public synchronized @Nullable ResidentAdapter at(int slot) {
            return content.get(slot);
        }
    }

    private static final class Resident implements ResidentAdapter {
        private final Digest digest;
        private final Slot weights;
        private final int slot;
        private volatile boolean sound = true;

        Resident(Digest digest, boolean saving, int slot) {
            this.digest = digest;
            this.weights = new Slot(
                    digest, saving ? new SavedEmbedding(MemorySegment.ofArray(new byte[Bf16.BYTES]), 1, 1) : null);
            this.slot = slot;
        }

        @Override
        public Digest digest() {
            return digest;
        }

        @Override
        public LoraSlot weights() {
            return weights;
        }

        @Override
        public int slot() {
            return slot;
        }

        @Override
        public boolean isSound() {
            return sound;
        }
    }

    private final class Lease implements AdapterLease {
        private final List<ResidentAdapter> adapters;
        private boolean closed;

        Lease(List<ResidentAdapter> adapters) {
            this.adapters = adapters;
        }

        @Override
        public List<ResidentAdapter> adapters() {
            if (closed) {
                throw new IllegalStateException("the lease is closed");
            }
            return adapters;
        }

        @Override
        public void close() {
            synchronized (FakeResidency.this) {
                if (!closed) {
                    closed = true;
                    leases--;
                }
            }
        }
    }
}
