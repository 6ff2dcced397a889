package org.openlora.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/// Asks the processor for weights before they are needed.
///
/// A tile of 8 rows spends 8 cycles on a cache line of weights. A processor looks some hundred instructions ahead,
/// which is then a dozen lines: too few to hide the latency of memory, so a product of few rows would take the time
/// of reading and that of computing one after the other. Asked for ahead, they overlap: half as fast again, measured.
///
/// Java has no such instruction. Where the system is a Unix on x86-64, thirteen bytes of machine code, a loop around
/// `prefetcht0`, are placed in a page of their own and called by a critical downcall, a few nanoseconds. Elsewhere,
/// where the process has no native access (`--enable-native-access`), and where the system grants no executable page,
/// nothing is asked for and nothing else changes.
final class Prefetch {
    static final int LINE_BYTES = 64;

    private static final byte[] CODE = {
        0x0f,
        0x18,
        0x0f, // loop: prefetcht0 [rdi]
        0x48,
        (byte) 0x83,
        (byte) 0xc7,
        LINE_BYTES, // add rdi, 64
        0x48,
        (byte) 0xff,
        (byte) 0xce, // dec rsi
        0x75,
        (byte) 0xf4, // jnz loop
        (byte) 0xc3 // ret
    };
    private static final long PAGE_BYTES = 4096;
    private static final int PROT_READ = 1;
    private static final int PROT_WRITE = 2;
    private static final int PROT_EXEC = 4;
    private static final int MAP_PRIVATE = 2;
    private static final long MAP_FAILED = -1;

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
        String system = System.getProperty("os.name");
        boolean linux = system.equals("Linux");
        if (!Prefetch.class.getModule().isNativeAccessEnabled()
                || !(linux || system.equals("Mac OS X"))
                || !System.getProperty("os.arch").matches("amd64|x86_64")) {
            return null;
        }
        MemorySegment page = executablePage(linux ? 0x20 : 0x1000);
        return page == null
                ? null
                : Linker.nativeLinker()
                        .downcallHandle(
                                page, FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_LONG), Linker.Option.critical(false));
    }

    /// A page that holds [#CODE], first writable, then executable, never both; or null when the system refuses.
    private static @Nullable MemorySegment executablePage(int mapAnonymous) {
        MethodHandle mmap = libc(
                "mmap", FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
        MethodHandle mprotect = libc("mprotect", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
        try {
            MemorySegment page = (MemorySegment) mmap.invokeExact(
                    MemorySegment.NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | mapAnonymous, -1, 0L);
            if (page.address() == MAP_FAILED) {
                return null;
            }
            MemorySegment.copy(CODE, 0, page.reinterpret(PAGE_BYTES), JAVA_BYTE, 0, CODE.length);
            return (int) mprotect.invokeExact(page, PAGE_BYTES, PROT_READ | PROT_EXEC) == 0 ? page : null;
        } catch (Throwable e) {
            throw new AssertionError("mmap or mprotect threw", e);
        }
    }

    private static MethodHandle libc(String name, FunctionDescriptor type) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), type);
    }
}
