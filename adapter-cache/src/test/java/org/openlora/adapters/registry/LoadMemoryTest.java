package org.openlora.adapters.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterMemory;
import org.openlora.adapters.AdapterSize;
import org.openlora.adapters.Digest;

class LoadMemoryTest {
    private static final Digest ADAPTER = Digest.sha256(new byte[] {1});

    @Test
    void again_afterAFailedAttempt_handsItsBlocksOutAgain() {
        try (Arena arena = Arena.ofConfined()) {
            var size = AdapterSize.of(LongStream.of(128, 256, 128));
            var memory = new LoadMemory(AdapterMemory.in(arena, ADAPTER), size);
            MemorySegment first = memory.allocate(128);
            MemorySegment second = memory.allocate(256);
            memory.again();
            assertThat(memory.allocate(256)).isEqualTo(second);
            assertThat(memory.allocate(128)).isEqualTo(first);
            MemorySegment third = memory.allocate(128);
            assertThat(third.address()).isNotIn(first.address(), second.address());
            assertThat(memory.tag()).isEqualTo(ADAPTER.tag());
        }
    }

    @Test
    void allocate_ofMoreThanWasAnnounced_isAChangeOfTheFiles() {
        try (Arena arena = Arena.ofConfined()) {
            var memory = new LoadMemory(AdapterMemory.in(arena, ADAPTER), AdapterSize.of(LongStream.of(128, 256)));
            memory.allocate(256);
            assertThatThrownBy(() -> memory.allocate(256))
                    .isInstanceOfSatisfying(
                            AdapterException.class, e -> assertThat(e.code()).isEqualTo(AdapterException.Code.CHANGED))
                    .hasMessageContaining("their weights take more memory");
        }
    }
}
