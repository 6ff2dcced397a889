package org.openlora.engine;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.AdapterResidency;
import org.openlora.adapters.Digest;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.adapters.SlotTable;
import org.openlora.kernels.LoraModule;
import org.openlora.kernels.LoraPoint;
import org.openlora.kernels.LoraSlot;

/// Adapters without weights, that count their leases; a held digest becomes ready only when the test says so.
final class FakeResidency implements AdapterResidency {
    private final Set<Digest> held = new HashSet<>();
    private final Map<Digest, String> broken = new HashMap<>();
    private final List<Runnable> pending = new ArrayList<>();
    private int leases;

    @Override
    public synchronized CompletableFuture<AdapterLease> acquire(Set<Digest> adapters, Instant deadline) {
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
    public void prefetch(List<Digest> adapters) {}

    @Override
    public SlotTable slots() {
        throw new UnsupportedOperationException("adapters without weights stand in no slot");
    }

    private void grant(Set<Digest> adapters, CompletableFuture<AdapterLease> lease) {
        synchronized (this) {
            leases++;
        }
        lease.complete(new Lease(new TreeSet<>(adapters)));
    }

    synchronized void hold(Digest digest) {
        held.add(digest);
    }

    synchronized void breakAdapter(Digest digest, String reason) {
        broken.put(digest, reason);
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

    record Slot(Digest digest) implements LoraSlot {
        @Override
        public List<LoraModule> modules(int layer, LoraPoint point) {
            return List.of();
        }

        @Override
        public long tag() {
            return digest.tag();
        }
    }

    private record Resident(Digest digest, LoraSlot weights, int slot) implements ResidentAdapter {}

    private final class Lease implements AdapterLease {
        private final List<ResidentAdapter> adapters;
        private boolean closed;

        Lease(Set<Digest> digests) {
            adapters = digests.stream()
                    .<ResidentAdapter>map(digest -> new Resident(digest, new Slot(digest), 0))
                    .toList();
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
