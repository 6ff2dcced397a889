package org.openlora.adapters;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/// Blocks of an arena that somebody else closes.
final class ArenaMemory implements AdapterMemory {
    private final Arena arena;
    private final Digest adapter;
    private @Nullable MemorySegment first;

    ArenaMemory(Arena arena, Digest adapter) {
        this.arena = arena;
        this.adapter = adapter;
    }

    @Override
    public MemorySegment allocate(long bytes) {
        MemorySegment block = arena.allocate(HEADER_BYTES + bytes, ALIGNMENT_BYTES);
        block.set(ValueLayout.JAVA_LONG, 0, adapter.tag());
        if (first == null) {
            first = block;
        }
        return block.asSlice(HEADER_BYTES);
    }

    @Override
    public long tag() {
        if (first == null) {
            throw new IllegalStateException("adapter " + adapter + " has no block yet");
        }
        return first.get(ValueLayout.JAVA_LONG, 0);
    }
}
