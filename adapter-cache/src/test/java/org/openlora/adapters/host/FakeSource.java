package org.openlora.adapters.host;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.AdapterMemory;
import org.openlora.adapters.AdapterSize;
import org.openlora.adapters.AdapterSource;
import org.openlora.adapters.Digest;
import org.openlora.kernels.LoraModule;
import org.openlora.kernels.LoraPoint;
import org.openlora.kernels.LoraSlot;

/// Adapters 0, 1, 2… of given sizes, which load at once or, where told so, fail.
final class FakeSource implements AdapterSource {
    final Map<Digest, Long> sizesBytes = new ConcurrentHashMap<>();
    final Set<Digest> broken = ConcurrentHashMap.newKeySet();
    final Map<Digest, AtomicInteger> loads = new ConcurrentHashMap<>();

    FakeSource(long... sizesBytes) {
        for (int i = 0; i < sizesBytes.length; i++) {
            this.sizesBytes.put(adapter(i), sizesBytes[i]);
        }
    }

    static Digest adapter(int number) {
        return new Digest("%064x".formatted(number));
    }

    @Override
    public AdapterSize size(Digest adapter) {
        Long size = sizesBytes.get(adapter);
        if (size == null) {
            throw new AdapterException(Code.NOT_FOUND, "no adapter " + adapter);
        }
        return new AdapterSize(size, size);
    }

    @Override
    public LoraSlot load(Digest adapter, AdapterMemory memory) {
        loads.computeIfAbsent(adapter, key -> new AtomicInteger()).incrementAndGet();
        if (broken.contains(adapter)) {
            throw new AdapterException(Code.INVALID, "adapter " + adapter + " is broken");
        }
        return new FakeSlot(memory.allocate(size(adapter).bytes()));
    }

    int loadsOf(Digest adapter) {
        AtomicInteger count = loads.get(adapter);
        return count == null ? 0 : count.get();
    }

    /// Weights of which a test can ask whether they are still there.
    record FakeSlot(MemorySegment memory) implements LoraSlot {
        @Override
        public List<LoraModule> modules(int layer, LoraPoint point) {
            memory.get(ValueLayout.JAVA_BYTE, 0);
            return List.of();
        }
    }
}
