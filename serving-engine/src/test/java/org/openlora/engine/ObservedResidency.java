package org.openlora.engine;

import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.AdapterResidency;
import org.openlora.adapters.Digest;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.adapters.SlotTable;
import org.openlora.kernels.LoraSlot;

/// Passes everything on and keeps its own account of who holds what, so that nothing the residency believes of itself
/// is taken for granted.
final class ObservedResidency implements AdapterResidency {
    private final AdapterResidency real;
    private final ToLongFunction<Digest> weightKey;
    private final ToLongFunction<LoraSlot> readKey;
    private final Set<Observed> open = new LinkedHashSet<>();
    private long granted;
    private @Nullable AssertionError violation;

    /// @param weightKey what the weights of a content are
    /// @param readKey what stands in memory
    ObservedResidency(AdapterResidency real, ToLongFunction<Digest> weightKey, ToLongFunction<LoraSlot> readKey) {
        this.real = real;
        this.weightKey = weightKey;
        this.readKey = readKey;
    }

    @Override
    public CompletableFuture<AdapterLease> acquire(Set<Digest> adapters, Instant deadline) {
        CompletableFuture<AdapterLease> asked = real.acquire(adapters, deadline);
        CompletableFuture<AdapterLease> answer = new CompletableFuture<>();
        var _ = asked.whenComplete((lease, failure) -> {
            if (failure != null) {
                answer.completeExceptionally(failure);
                return;
            }
            AdapterLease observed = observe(adapters, lease);
            if (!answer.complete(observed)) {
                observed.close();
            }
        });
        var _ = answer.whenComplete((_, _) -> {
            if (answer.isCancelled()) {
                asked.cancel(true);
            }
        });
        return answer;
    }

    @Override
    public void prefetch(List<Digest> adapters) {
        real.prefetch(adapters);
    }

    @Override
    public SlotTable slots() {
        return real.slots();
    }

    private synchronized AdapterLease observe(Set<Digest> adapters, AdapterLease lease) {
        List<Digest> got =
                lease.adapters().stream().map(ResidentAdapter::digest).toList();
        if (!got.equals(adapters.stream().sorted().toList())) {
            violation = new AssertionError("asked for " + adapters + ", the lease holds " + got);
        }
        Observed observed = new Observed(lease);
        open.add(observed);
        granted++;
        return observed;
    }

    synchronized int openLeases() {
        return open.size();
    }

    synchronized long granted() {
        return granted;
    }

    /// Whatever is leased is where it was put, with the weights it had.
    synchronized void check() {
        if (violation != null) {
            throw violation;
        }
        for (Observed lease : open) {
            for (ResidentAdapter adapter : lease.adapters()) {
                if (!adapter.isSound()) {
                    continue; // found out: whoever uses it is told
                }
                long found;
                try {
                    found = readKey.applyAsLong(adapter.weights());
                } catch (IllegalStateException e) {
                    throw new AssertionError("leased adapter " + adapter.digest() + " was evicted", e);
                }
                if (found != weightKey.applyAsLong(adapter.digest())
                        || adapter.weights().tag() != adapter.digest().tag()) {
                    throw new AssertionError(
                            "the memory of leased adapter " + adapter.digest() + " holds other weights");
                }
                ResidentAdapter inSlot = real.slots().at(adapter.slot());
                if (inSlot == null || !inSlot.digest().equals(adapter.digest())) {
                    throw new AssertionError(
                            "slot " + adapter.slot() + " of leased adapter " + adapter.digest() + " holds " + inSlot);
                }
            }
        }
    }

    private final class Observed implements AdapterLease {
        private final AdapterLease lease;

        Observed(AdapterLease lease) {
            this.lease = lease;
        }

        @Override
        public List<ResidentAdapter> adapters() {
            return lease.adapters();
        }

        @Override
        public void close() {
            synchronized (ObservedResidency.this) {
                open.remove(this);
            }
            lease.close();
        }
    }
}
