package org.openlora.kernels;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.ThreadFactory;

/// Platform threads whose work gives way to a step's: on Linux, where a thread's priority in Java means nothing, by a
/// niceness of their own. Where it cannot be set they run like any other.
public final class BackgroundThread {
    /// About a tenth of a processor when the kernels' workers want all of it: enough to end, too little to be felt.
    private static final int NICENESS = 10;

    private static final int PRIO_PROCESS = 0;

    private BackgroundThread() {}

    /// Makes daemon threads named `name-0`, `name-1` and so on.
    public static ThreadFactory named(String name) {
        ThreadFactory factory =
                Thread.ofPlatform().daemon().name(name + "-", 0).factory();
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
        Linker linker = Linker.nativeLinker();
        MethodHandle setpriority = linker.downcallHandle(
                linker.defaultLookup().findOrThrow("setpriority"),
                FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
        try {
            // Of the calling thread alone: to Linux a thread is a process, and 0 is oneself. Lowering cannot be refused.
            var _ = (int) setpriority.invokeExact(PRIO_PROCESS, 0, NICENESS);
        } catch (Throwable e) {
            throw new AssertionError("setpriority threw", e);
        }
    }
}
