package org.openlora.engine;

import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.AdapterMemory;
import org.openlora.adapters.AdapterSize;
import org.openlora.adapters.AdapterSource;
import org.openlora.adapters.Digest;
import org.openlora.kernels.LoraSlot;

/// The real source, made slow and unreliable; complains when two loads of one content are under way.
final class SimulatedSource implements AdapterSource {
    private static final int MOST_PAUSES = 4;

    private final AdapterSource real;
    private final SplittableRandom random;
    private final InstantSource clock;
    private final Set<Digest> failing = new HashSet<>();
    private final Map<Digest, Instant> failedLast = new HashMap<>();
    private final Set<Digest> loading = new HashSet<>();
    private @Nullable AssertionError violation;

    SimulatedSource(AdapterSource real, SplittableRandom random, InstantSource clock) {
        this.real = real;
        this.random = random;
        this.clock = clock;
    }

    @Override
    public AdapterSize size(Digest adapter) {
        return real.size(adapter);
    }

    @Override
    public LoraSlot load(Digest adapter, AdapterMemory memory) {
        int pauses;
        synchronized (this) {
            if (!loading.add(adapter)) {
                // Kept, because whoever loads takes any failure for the adapter's.
                violation = new AssertionError("two loads of " + adapter + " are under way at once");
                throw violation;
            }
            pauses = random.nextInt(MOST_PAUSES);
        }
        try {
            for (int pause = 0; pause < pauses; pause++) {
                Fibre.pause();
            }
            requireUp(adapter);
            LoraSlot weights = real.load(adapter, new SlowMemory(memory));
            Fibre.pause();
            return weights;
        } finally {
            synchronized (this) {
                loading.remove(adapter);
            }
        }
    }

    /// Stops a load where it stands between two modules.
    private record SlowMemory(AdapterMemory memory) implements AdapterMemory {
        @Override
        public MemorySegment allocate(long bytes) {
            MemorySegment block = memory.allocate(bytes);
            Fibre.pause();
            return block;
        }

        @Override
        public long tag() {
            return memory.tag();
        }
    }

    /// From now on loads of this content fail; or no longer, where they did.
    synchronized void toggleFailing(Digest adapter) {
        if (failing.remove(adapter)) {
            failedLast.put(adapter, clock.instant());
        } else {
            failing.add(adapter);
        }
    }

    synchronized void heal() {
        List.copyOf(failing).forEach(this::toggleFailing);
    }

    /// Whether loads of this content failed at `since` or later, or fail now.
    synchronized boolean failedSince(Digest adapter, Instant since) {
        Instant last = failedLast.get(adapter);
        return failing.contains(adapter) || (last != null && !last.isBefore(since));
    }

    synchronized void check() {
        if (violation != null) {
            throw violation;
        }
    }

    private synchronized void requireUp(Digest adapter) {
        if (failing.contains(adapter)) {
            throw new AdapterException(Code.INVALID, "planted: the source of " + adapter + " fails");
        }
    }
}
