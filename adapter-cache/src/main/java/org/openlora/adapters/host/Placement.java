package org.openlora.adapters.host;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.zip.CRC32C;
import org.openlora.adapters.AdapterMemory;
import org.openlora.adapters.AdapterSize;
import org.openlora.adapters.Digest;

/// The place of one adapter in the arena: its runs, the blocks in them, and what the blocks must contain.
///
/// Written by one loading thread; once it is [sealed][#seal] and published under the residency's lock, anyone may read.
final class Placement implements AdapterMemory {
    /// Stands where a tag stood, once nobody's weights are there any more.
    static final long NOBODY = 0;

    /// Every bf16 number of this byte is a NaN.
    private static final byte POISON = (byte) 0xff;

    /// Where assertions are on, freed memory is made to hurt.
    private static final boolean POISONED = Placement.class.desiredAssertionStatus();

    /// A header and the block behind it.
    private record Block(long offsetBytes, long bytes) {}

    private final MemorySegment arena;
    private final int unitBytes;
    private final Digest adapter;
    private final List<Run> runs;
    private final long[] filledBytes;
    private final List<Block> blocks = new ArrayList<>();
    private int[] checksums = new int[0];

    Placement(MemorySegment arena, int unitBytes, Digest adapter, List<Run> runs) {
        this.arena = arena;
        this.unitBytes = unitBytes;
        this.adapter = adapter;
        this.runs = new ArrayList<>(runs);
        this.filledBytes = new long[runs.size()];
    }

    @Override
    public MemorySegment allocate(long bytes) {
        long whole = AdapterSize.ofBlock(bytes);
        for (int i = 0; i < filledBytes.length; i++) {
            Run run = runs.get(i);
            if (filledBytes[i] + whole <= (long) run.length() * unitBytes) {
                long offset = (long) run.start() * unitBytes + filledBytes[i];
                filledBytes[i] += whole;
                blocks.add(new Block(offset, whole));
                arena.set(ValueLayout.JAVA_LONG, offset, adapter.tag());
                return arena.asSlice(offset + HEADER_BYTES, bytes);
            }
        }
        throw new IllegalStateException("adapter " + adapter + " asks for a block of " + bytes
                + " bytes, which is more than its source announced");
    }

    @Override
    public long tag() {
        if (blocks.isEmpty()) {
            throw new IllegalStateException("adapter " + adapter + " has no block yet");
        }
        return arena.get(ValueLayout.JAVA_LONG, blocks.getFirst().offsetBytes());
    }

    List<Run> runs() {
        return List.copyOf(runs);
    }

    int unitBytes() {
        return unitBytes;
    }

    int units() {
        return runs.stream().mapToInt(Run::length).sum();
    }

    /// Takes the checksums of what has just been written and verified. The header's padding is part of it.
    void seal() {
        checksums = blocks.stream().mapToInt(this::checksum).toArray();
    }

    /// Cuts off the units that no block lies in, and returns them.
    List<Run> trim() {
        var unused = new ArrayList<Run>();
        for (int i = runs.size() - 1; i >= 0; i--) {
            Run run = runs.get(i);
            int used = Math.toIntExact(Math.ceilDiv(filledBytes[i], (long) unitBytes));
            if (used < run.length()) {
                unused.add(new Run(run.start() + used, run.length() - used));
                if (used == 0) {
                    runs.remove(i);
                } else {
                    runs.set(i, new Run(run.start(), used));
                }
            }
        }
        return unused;
    }

    int blockCount() {
        return checksums.length;
    }

    long blockBytes(int block) {
        return blocks.get(block).bytes();
    }

    /// Whether a block, header included, still holds what was sealed.
    boolean isSound(int block) {
        return checksum(blocks.get(block)) == checksums[block];
    }

    /// The first block that is not [sound][#isSound].
    OptionalInt firstDamaged() {
        for (int block = 0; block < checksums.length; block++) {
            if (!isSound(block)) {
                return OptionalInt.of(block);
            }
        }
        return OptionalInt.empty();
    }

    /// Makes sure that nobody takes what is here for this adapter's weights any more, before others get the memory.
    void erase() {
        for (Block block : blocks) {
            arena.set(ValueLayout.JAVA_LONG, block.offsetBytes(), NOBODY);
        }
        if (POISONED) {
            runs.forEach(run -> arena.asSlice((long) run.start() * unitBytes, (long) run.length() * unitBytes)
                    .fill(POISON));
        }
    }

    private int checksum(Block block) {
        var crc = new CRC32C();
        long end = block.offsetBytes() + block.bytes();
        for (long from = block.offsetBytes(); from < end; from += Integer.MAX_VALUE) {
            crc.update(arena.asSlice(from, Math.min(Integer.MAX_VALUE, end - from))
                    .asByteBuffer());
        }
        return (int) crc.getValue();
    }
}
