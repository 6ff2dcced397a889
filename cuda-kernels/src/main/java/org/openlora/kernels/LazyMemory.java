package org.openlora.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// Memory of which the process takes from the system what it has written to, page by page.
///
/// What [Arena#allocate] gives is filled with zeros, and so taken whole at once. On Linux, where the process has native
/// access (`--enable-native-access`), the memory comes from `mmap` instead, which is full of zeros all the same.
public final class LazyMemory {
    private static final long PAGE_BYTES = 4096;
    private static final int PROT_READ = 1;
    private static final int PROT_WRITE = 2;
    private static final int MAP_PRIVATE = 0x02;
    private static final int MAP_ANONYMOUS = 0x20;
    private static final int MAP_NORESERVE = 0x4000;
    private static final long MAP_FAILED = -1;

    private LazyMemory() {}

    /// Zeros that live as long as `arena`, at a multiple of the size of a page.
    ///
    /// @throws OutOfMemoryError where the system has no address space or memory for them
    public static MemorySegment allocate(Arena arena, long bytes) {
        boolean linux = System.getProperty("os.name").equals("Linux");
        return linux && LazyMemory.class.getModule().isNativeAccessEnabled()
                ? map(arena, bytes)
                : arena.allocate(bytes, PAGE_BYTES);
    }

    private static MemorySegment map(Arena arena, long bytes) {
        MethodHandle mmap = libc(
                "mmap", FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
        MethodHandle munmap = libc("munmap", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
        try {
            MemorySegment pages = (MemorySegment) mmap.invokeExact(
                    MemorySegment.NULL,
                    bytes,
                    PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1,
                    0L);
            if (pages.address() == MAP_FAILED) {
                throw new OutOfMemoryError("the system does not grant " + bytes + " bytes");
            }
            return pages.reinterpret(bytes, arena, all -> unmap(munmap, all, bytes));
        } catch (Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("mmap threw", e);
        }
    }

    private static void unmap(MethodHandle munmap, MemorySegment pages, long bytes) {
        int status;
        try {
            status = (int) munmap.invokeExact(pages, bytes);
        } catch (Throwable e) {
            throw new AssertionError("munmap threw", e);
        }
        if (status != 0) {
            throw new IllegalStateException("the system does not take back " + bytes + " bytes at " + pages.address());
        }
    }

    private static MethodHandle libc(String name, FunctionDescriptor type) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), type);
    }
}
