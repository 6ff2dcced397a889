package org.openlora.kernels.x86;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/// Pages of machine code, called by critical downcalls, which cost a few nanoseconds.
///
/// There are none outside Unixes on x86-64, where the process has no native access (`--enable-native-access`), and
/// where the system grants no executable pages. Code is never given back: it is made once for a process.
public final class MachineCode {
    private static final boolean LINUX = System.getProperty("os.name").equals("Linux");
    private static final boolean MAC = System.getProperty("os.name").equals("Mac OS X");
    private static final int PROT_READ = 1;
    private static final int PROT_WRITE = 2;
    private static final int PROT_EXEC = 4;
    private static final int MAP_PRIVATE = 2;
    private static final int MAP_ANONYMOUS = LINUX ? 0x20 : 0x1000;
    private static final long MAP_FAILED = -1;

    private MachineCode() {}

    /// Whether this process may try.
    public static boolean isPossible() {
        return (LINUX || MAC)
                && System.getProperty("os.arch").matches("amd64|x86_64")
                && MachineCode.class.getModule().isNativeAccessEnabled();
    }

    /// The code in pages of its own, first writable, then executable, never both; empty where there can be none.
    public static Optional<MemorySegment> map(byte[] code) {
        if (!isPossible()) {
            return Optional.empty();
        }
        MethodHandle mmap = libc(
                "mmap", FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
        MethodHandle mprotect = libc("mprotect", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
        try {
            MemorySegment pages = (MemorySegment) mmap.invokeExact(
                    MemorySegment.NULL,
                    (long) code.length,
                    PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS,
                    -1,
                    0L);
            if (pages.address() == MAP_FAILED) {
                return Optional.empty();
            }
            MemorySegment.copy(code, 0, pages.reinterpret(code.length), JAVA_BYTE, 0, code.length);
            return (int) mprotect.invokeExact(pages, (long) code.length, PROT_READ | PROT_EXEC) == 0
                    ? Optional.of(pages)
                    : Optional.empty();
        } catch (Throwable e) {
            throw new AssertionError("mmap or mprotect threw", e);
        }
    }

    /// A call of a C function of this type, whose address comes as an additional first argument. It must not run long,
    /// and may be given arrays.
    public static MethodHandle caller(FunctionDescriptor type) {
        return Linker.nativeLinker().downcallHandle(type, Linker.Option.critical(true));
    }

    private static MethodHandle libc(String name, FunctionDescriptor type) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), type);
    }
}
