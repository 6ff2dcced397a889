package org.openlora.adapters.host;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.AdapterMemory;
import org.openlora.adapters.AdapterSize;
import org.openlora.adapters.AdapterSource;
import org.openlora.adapters.Digest;
import org.openlora.kernels.LoraModule;
import org.openlora.kernels.LoraPoint;
import org.openlora.kernels.LoraSlot;

/// Adapters 0, 1, 2… of given blocks, which load at once or, where told so, fail.
final class FakeSource implements AdapterSource {
    /// Bytes of a unit in these tests: no unit is smaller.
    static final int UNIT_BYTES = AdapterMemory.ALIGNMENT_BYTES;

    final Map<Digest, int[]> blockUnits = new ConcurrentHashMap<>();
    final Set<Digest> broken = ConcurrentHashMap.newKeySet();
    final Map<Digest, AtomicInteger> loads = new ConcurrentHashMap<>();

    /// @param blockUnits for each adapter the units that each of its blocks takes, header included: at least 2
    FakeSource(List<int[]> blockUnits) {
        for (int i = 0; i < blockUnits.size(); i++) {
            this.blockUnits.put(adapter(i), blockUnits.get(i));
        }
    }

    /// Adapters of one block each.
    FakeSource(int... units) {
        this(IntStream.of(units).mapToObj(one -> new int[] {one}).toList());
    }

    static Digest adapter(int number) {
        return new Digest("%016x".formatted(number + 1).repeat(4));
    }

    @Override
    public AdapterSize size(Digest adapter) {
        return AdapterSize.of(IntStream.of(blocks(adapter)).mapToLong(FakeSource::blockBytes));
    }

    @Override
    public LoraSlot load(Digest adapter, AdapterMemory memory) {
        loads.computeIfAbsent(adapter, key -> new AtomicInteger()).incrementAndGet();
        List<MemorySegment> blocks = IntStream.of(blocks(adapter))
                .mapToObj(units -> memory.allocate(blockBytes(units)).fill(content(adapter)))
                .toList();
        if (broken.contains(adapter)) {
            throw new AdapterException(Code.INVALID, "adapter " + adapter + " is broken");
        }
        return new FakeSlot(adapter, memory, blocks);
    }

    int loadsOf(Digest adapter) {
        AtomicInteger count = loads.get(adapter);
        return count == null ? 0 : count.get();
    }

    private int[] blocks(Digest adapter) {
        int[] blocks = blockUnits.get(adapter);
        if (blocks == null) {
            throw new AdapterException(Code.NOT_FOUND, "no adapter " + adapter);
        }
        return blocks;
    }

    private static long blockBytes(int units) {
        return (long) units * UNIT_BYTES - AdapterMemory.HEADER_BYTES;
    }

    private static byte content(Digest adapter) {
        return (byte) adapter.tag();
    }

    /// Weights of which a test can ask whether they are still there, and which it can spoil.
    record FakeSlot(Digest adapter, AdapterMemory memory, List<MemorySegment> blocks) implements LoraSlot {
        @Override
        public List<LoraModule> modules(int layer, LoraPoint point) {
            return List.of();
        }

        @Override
        public long tag() {
            return memory.tag();
        }

        boolean isIntact() {
            return tag() == adapter.tag()
                    && blocks.stream().allMatch(block -> block.elements(ValueLayout.JAVA_BYTE)
                            .allMatch(one -> one.get(ValueLayout.JAVA_BYTE, 0) == content(adapter)));
        }

        /// What a stray write or a tired memory chip does.
        void flipABit(int block, long offsetBytes) {
            MemorySegment memory = blocks.get(block);
            byte before = memory.get(ValueLayout.JAVA_BYTE, offsetBytes);
            memory.set(ValueLayout.JAVA_BYTE, offsetBytes, (byte) (before ^ 0x10));
        }
    }
}
