package org.openlora.kernels;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;
import org.openlora.kernels.x86.Address;
import org.openlora.kernels.x86.Assembler;
import org.openlora.kernels.x86.MachineCode;
import org.openlora.kernels.x86.Register;

/// Asks the processor for weights before they are needed.
///
/// A tile of 8 rows spends 8 cycles on a cache line of weights. A processor looks some hundred instructions ahead,
/// which is then a dozen lines: too few to hide the latency of memory, so a product of few rows would take the time
/// of reading and that of computing one after the other. Asked for ahead, they overlap: half as fast again, measured.
///
/// Java has no such instruction. Where there can be machine code, a loop around `prefetcht0` is called, a few
/// nanoseconds. Elsewhere nothing is asked for and nothing else changes.
final class Prefetch {
    static final int LINE_BYTES = 64;

    private static final @Nullable MethodHandle PREFETCH = link();

    private Prefetch() {}

    /// Whether this process can ask.
    static boolean isAvailable() {
        return PREFETCH != null;
    }

    /// Asks for the cache lines of `bytes` bytes from `address` on. The addresses need not be mapped.
    static void ask(long address, long bytes) {
        if (PREFETCH == null || bytes <= 0) {
            return;
        }
        try {
            PREFETCH.invokeExact(address, (bytes + LINE_BYTES - 1) / LINE_BYTES);
        } catch (Throwable e) {
            throw new AssertionError("a loop of prefetches threw", e);
        }
    }

    private static @Nullable MethodHandle link() {
        return MachineCode.map(loop())
                .map(code -> MachineCode.caller(FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_LONG))
                        .bindTo(code))
                .orElse(null);
    }

    /// `void ask(address, lines)`
    private static byte[] loop() {
        Assembler assembler = new Assembler();
        assembler.prefetch(Address.of(Register.RDI));
        assembler.add(Register.RDI, LINE_BYTES);
        assembler.decrement(Register.RSI);
        assembler.jumpIfNotZero(0);
        assembler.ret();
        return assembler.code();
    }
}
