package org.openlora.adapters.transfer;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Reads a response's body, and gives up where nothing arrives for too long or the deadline passes: the HTTP client
/// itself would wait for ever.
final class StallGuard implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(StallGuard.class);

    private final InputStream body;
    private final Duration limit;
    private final Deadline deadline;
    private final AtomicLong arrivedNanos = new AtomicLong(System.nanoTime());
    private final AtomicBoolean stalled = new AtomicBoolean();
    private final Thread watcher;

    private StallGuard(InputStream body, Duration limit, Deadline deadline) {
        this.body = body;
        this.limit = limit;
        this.deadline = deadline;
        this.watcher = Thread.ofVirtual().name("openlora-stall-guard").unstarted(this::watch);
    }

    static StallGuard over(InputStream body, Duration limit, Deadline deadline) {
        StallGuard guard = new StallGuard(body, limit, deadline);
        guard.watcher.start();
        return guard;
    }

    private void watch() {
        try {
            for (long left = leftNanos(); left > 0; left = leftNanos()) {
                Thread.sleep(Duration.ofNanos(left));
            }
            stalled.set(true);
            body.close();
        } catch (InterruptedException e) {
            log.trace("the transfer ended", e);
        } catch (IOException e) {
            log.debug("a stalled transfer could not be closed", e);
        }
    }

    private long leftNanos() {
        long untilStalled = limit.toNanos() - (System.nanoTime() - arrivedNanos.get());
        return Math.min(untilStalled, deadline.left().toNanos());
    }

    /// As [InputStream#read(byte[])].
    ///
    /// @throws IOException also where nothing arrived within the limit, or the deadline passed
    int read(byte[] chunk) throws IOException {
        int read;
        try {
            read = body.read(chunk);
        } catch (IOException e) {
            throw stalled.get() ? silence(e) : e;
        }
        if (stalled.get()) {
            throw silence(null);
        }
        arrivedNanos.set(System.nanoTime());
        return read;
    }

    private IOException silence(@Nullable IOException cause) {
        String what = deadline.isPast()
                ? "it was not here before the deadline"
                : "nothing arrived for %.1f s".formatted(limit.toMillis() / 1e3);
        return new IOException(what, cause);
    }

    @Override
    public void close() {
        watcher.interrupt();
    }
}
