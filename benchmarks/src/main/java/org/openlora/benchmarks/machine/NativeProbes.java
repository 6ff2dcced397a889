package org.openlora.benchmarks.machine;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Optional;

/// The loops of `ceilings.c`. One thread each.
final class NativeProbes implements AutoCloseable {
    private static final FunctionDescriptor FLOPS = FunctionDescriptor.of(ValueLayout.JAVA_LONG);
    private static final FunctionDescriptor STEPS =
            FunctionDescriptor.of(ValueLayout.JAVA_FLOAT, ValueLayout.JAVA_LONG);

    private final NativeCode code;
    private final MethodHandle read;
    private final MethodHandle multiplyAdd;
    private final MethodHandle bf16;

    /// Operations of one step, 0 where the processor has no such instruction.
    final long multiplyAddFlops;

    final long bf16Flops;

    private NativeProbes(NativeCode code) {
        this.code = code;
        read = code.function(
                "openlora_read",
                FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
        multiplyAdd = code.function("openlora_fma", STEPS);
        bf16 = code.function("openlora_bf16", STEPS);
        multiplyAddFlops = count(code.function("openlora_fma_flops", FLOPS));
        bf16Flops = count(code.function("openlora_bf16_flops", FLOPS));
    }

    static Optional<NativeProbes> compile() {
        return NativeCode.compile("ceilings.c", List.of()).map(NativeProbes::new);
    }

    long read(MemorySegment memory, long offset, long bytes) {
        try {
            return (long) read.invokeExact(memory.asSlice(offset, bytes), bytes);
        } catch (Throwable e) {
            throw new IllegalStateException("openlora_read failed", e);
        }
    }

    float multiplyAdd(long steps) {
        return steps(multiplyAdd, steps);
    }

    float bf16(long steps) {
        return steps(bf16, steps);
    }

    @Override
    public void close() {
        code.close();
    }

    private static float steps(MethodHandle function, long steps) {
        try {
            return (float) function.invokeExact(steps);
        } catch (Throwable e) {
            throw new IllegalStateException("a loop of ceilings.c failed", e);
        }
    }

    private static long count(MethodHandle function) {
        try {
            return (long) function.invokeExact();
        } catch (Throwable e) {
            throw new IllegalStateException("a function of ceilings.c failed", e);
        }
    }
}
