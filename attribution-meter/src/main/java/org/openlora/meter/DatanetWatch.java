package org.openlora.meter;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.openlora.meter.database.LedgerException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Looks every other second whether another process registered or retired a datanet.
final class DatanetWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DatanetWatch.class);
    private static final long PAUSE_SECONDS = 2;

    private final Runnable refresh;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Thread thread;

    DatanetWatch(Runnable refresh) {
        this.refresh = refresh;
        this.thread = Thread.ofPlatform().daemon().name("datanet-watch").start(this::run);
    }

    private void run() {
        try {
            while (!closed.await(PAUSE_SECONDS, TimeUnit.SECONDS)) {
                try {
                    refresh.run();
                } catch (LedgerException e) {
                    LOG.warn("cannot see whether datanets were registered, looking again: {}", e.getMessage());
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // nobody interrupts this thread but to end it
        }
    }

    /// Waits for a look that is under way.
    @Override
    public void close() {
        closed.countDown();
        Threads.join(thread);
    }
}
