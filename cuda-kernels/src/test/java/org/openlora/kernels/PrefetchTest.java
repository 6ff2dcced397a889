package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class PrefetchTest {
    @Test
    void read_ofARange_touchesEachOfItsLinesAndNothingElse() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(5 * 64, 64);
            for (int line = 0; line < 5; line++) {
                memory.set(ValueLayout.JAVA_BYTE, line * 64L, (byte) (1 << line));
            }
            Prefetch prefetch = new Prefetch();
            prefetch.read(memory, 64, 2 * 64 + 1);
            assertThat(prefetch.sum()).isEqualTo(0b01110);
            prefetch.read(memory, 4 * 64, 64);
            assertThat(prefetch.sum()).isEqualTo(0b11110);
        }
    }
}
