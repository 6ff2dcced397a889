package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class PrefetchTest {
    @Test
    @EnabledOnOs(value = OS.LINUX, architectures = "amd64")
    void isAvailable_linuxOnX86_asks() {
        assertThat(Prefetch.isAvailable()).isTrue();
    }

    /// A panel's end asks for what lies behind it, wherever that is.
    @Test
    void ask_anyAddressAndLength_changesNothing() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(1000, 64).fill((byte) 7);
            assertThatCode(() -> {
                        for (long bytes : new long[] {-1, 0, 1, 64, 65, 1000, 1 << 20}) {
                            Prefetch.ask(memory.address() + 3, bytes);
                            Prefetch.ask(0, bytes);
                            Prefetch.ask(-64, bytes);
                        }
                    })
                    .doesNotThrowAnyException();
            assertThat(memory.toArray(ValueLayout.JAVA_BYTE)).containsOnly((byte) 7);
        }
    }
}
