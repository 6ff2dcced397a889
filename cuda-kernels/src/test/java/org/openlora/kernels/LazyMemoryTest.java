package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class LazyMemoryTest {
    private static final long BYTES = 1L << 30;

    @Test
    void allocate_givesZerosThatEndWithTheArena() {
        MemorySegment memory;
        try (Arena arena = Arena.ofShared()) {
            memory = LazyMemory.allocate(arena, 1 << 20);
            assertThat(memory.byteSize()).isEqualTo(1 << 20);
            assertThat(memory.address() % 4096).isZero();
            assertThat(memory.get(ValueLayout.JAVA_LONG, (1 << 20) - 8)).isZero();
            memory.set(ValueLayout.JAVA_LONG, 4096, 42);
            assertThat(memory.get(ValueLayout.JAVA_LONG, 4096)).isEqualTo(42);
        }
        assertThatThrownBy(() -> memory.get(ValueLayout.JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void allocate_ofAGigabyte_takesOnlyWhatIsWritten() throws Exception {
        Assumptions.assumeTrue(
                System.getProperty("os.name").equals("Linux"), "memory is taken page by page on Linux only");
        try (Arena arena = Arena.ofShared()) {
            long before = residentPages();
            MemorySegment memory = LazyMemory.allocate(arena, BYTES);
            memory.set(ValueLayout.JAVA_BYTE, BYTES / 2, (byte) 1);
            assertThat((residentPages() - before) * 4096).isLessThan(BYTES / 2);
        }
    }

    private static long residentPages() throws Exception {
        return Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ", 3)[1]);
    }
}
