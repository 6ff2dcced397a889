package org.openlora.meter;

/// Waiting for threads.
final class Threads {
    private Threads() {}

    /// Waits for the thread's end whatever happens; an interrupt is kept for the caller.
    static void join(Thread thread) {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
