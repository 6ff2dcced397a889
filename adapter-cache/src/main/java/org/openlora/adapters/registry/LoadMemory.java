package org.openlora.adapters.registry;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.AdapterMemory;
import org.openlora.adapters.AdapterSize;

/// The memory of one load, which may take several attempts: the blocks that a failed one took are handed out
/// again. Not thread-safe.
final class LoadMemory implements AdapterMemory {
    private final AdapterMemory memory;
    private final AdapterSize announced;
    private final List<MemorySegment> taken = new ArrayList<>();
    private final List<MemorySegment> spare = new ArrayList<>();
    private long usedBytes;

    /// @param announced what the load was said to take
    LoadMemory(AdapterMemory memory, AdapterSize announced) {
        this.memory = memory;
        this.announced = announced;
    }

    /// Begins another attempt.
    LoadMemory again() {
        spare.addAll(taken);
        taken.clear();
        return this;
    }

    /// Throws [AdapterException] `CHANGED` where more is asked for than was announced: other files than those
    /// that were registered are being read.
    @Override
    public MemorySegment allocate(long bytes) {
        MemorySegment block = spare(bytes);
        if (block == null) {
            usedBytes += AdapterSize.ofBlock(bytes);
            if (usedBytes > announced.bytes()) {
                throw new AdapterException(
                        Code.CHANGED, "files were changed since registration: their weights take more memory");
            }
            block = memory.allocate(bytes);
        }
        taken.add(block);
        return block;
    }

    private @Nullable MemorySegment spare(long bytes) {
        for (Iterator<MemorySegment> blocks = spare.iterator(); blocks.hasNext(); ) {
            MemorySegment block = blocks.next();
            if (block.byteSize() == bytes) {
                blocks.remove();
                return block;
            }
        }
        return null;
    }

    @Override
    public long tag() {
        return memory.tag();
    }
}
