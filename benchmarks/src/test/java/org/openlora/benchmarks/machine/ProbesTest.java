package org.openlora.benchmarks.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ProbesTest {
    private static final long BYTES = 1 << 16;

    /// a ← a · 0.999 + 0.5 converges to 500 in every lane of every chain: nothing was optimised away.
    private static final double FIXED_POINT = 500;

    private static final int STEPS = 100_000;

    @Test
    void read_java_readsEveryWord() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = words(arena);
            assertThat(VectorProbes.read(memory, 0, BYTES)).isEqualTo(sum(0, BYTES));
            assertThat(VectorProbes.read(memory, 4096, 8192)).isEqualTo(sum(4096, 8192));
        }
    }

    @Test
    void multiplyAdd_java_doesEveryOperationThatItCounts() {
        double lanes = VectorProbes.FLOPS_PER_STEP / 2.0;
        assertThat(VectorProbes.multiplyAdd(STEPS) / lanes).isCloseTo(FIXED_POINT, within(1.0));
    }

    @Test
    void probes_c_agreeWithJava() {
        Optional<NativeProbes> compiled = NativeProbes.compile();
        assumeTrue(compiled.isPresent(), "there is no C compiler on the path");
        try (NativeProbes c = compiled.get();
                Arena arena = Arena.ofConfined()) {
            assertThat(c.read(words(arena), 4096, 8192)).isEqualTo(sum(4096, 8192));
            if (c.multiplyAddFlops > 0) {
                assertThat(c.multiplyAdd(STEPS) / (c.multiplyAddFlops / 2.0)).isCloseTo(FIXED_POINT, within(1.0));
            }
            assertThat(c.bf16Flops).isNotNegative();
        }
    }

    private static MemorySegment words(Arena arena) {
        MemorySegment memory = arena.allocate(BYTES, 64);
        for (long at = 0; at < BYTES; at += Long.BYTES) {
            memory.set(ValueLayout.JAVA_LONG, at, at * at);
        }
        return memory;
    }

    private static long sum(long from, long bytes) {
        long sum = 0;
        for (long at = from; at < from + bytes; at += Long.BYTES) {
            sum += at * at;
        }
        return sum;
    }
}
