package org.openlora.adapters.host;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/// Runs something later, so that a deadline takes effect without anybody polling.
@FunctionalInterface
interface Alarm {
    void after(Duration delay, Runnable action);

    /// By the JDK's one timer thread, which hands the action to a virtual thread.
    static Alarm system() {
        return (delay, action) -> CompletableFuture.delayedExecutor(
                        delay.toNanos(), TimeUnit.NANOSECONDS, Thread::startVirtualThread)
                .execute(action);
    }
}
