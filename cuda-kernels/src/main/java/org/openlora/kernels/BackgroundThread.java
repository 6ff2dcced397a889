package org.openlora.kernels;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.ThreadFactory;

/// Platform threads whose work gives way to a step's: on Linux, where a thread's priority in Java means
/// nothing, by a niceness of their own. Where it cannot be set they run like any other.
public final class BackgroundThread {
    /// How much nicer than the process: a third of an ordinary thread's share where all processors are wanted.
    /// Measured with two workers on two processors and loads all the time, steps took 3 % longer at the median
    /// and 1 % at the 99th percentile (13 % and 10 % without), and a load of 40 ms took 100 ms; at 10 it took
    /// 250 ms.
    private static final int NICENESS = 5;

    private static final int MOST_NICENESS = 19;
    private static final int PRIO_PROCESS = 0;

    private BackgroundThread() {}

    /// Makes daemon threads named `name-0`, `name-1` and so on.
    public static ThreadFactory named(String name) {
        ThreadFactory factory = Thread.ofPlatform().daemon().name(name + "-", 0).factory();
        return task -> factory.newThread(() -> {
            giveWay();
            task.run();
        });
    }

    private static void giveWay() {
        if (!System.getProperty("os.name").equals("Linux")
                || !BackgroundThread.class.getModule().isNativeAccessEnabled()) {
            return;
        }
        MethodHandle getpriority = libc("getpriority", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
        MethodHandle setpriority = libc("setpriority", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
        try {
            // Of the calling thread alone: to Linux a thread is a process, and 0 is oneself. Nobody is refused more
            // niceness.
            int inherited = (int) getpriority.invokeExact(PRIO_PROCESS, 0);
            var _ = (int) setpriority.invokeExact(PRIO_PROCESS, 0, Math.min(inherited + NICENESS, MOST_NICENESS));
        } catch (Throwable e) {
            throw new AssertionError("getpriority or setpriority threw", e);
        }
    }

    private static MethodHandle libc(String name, FunctionDescriptor type) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), type);
    }
}
