package org.openlora.server.catalog;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Reads a response's body, and gives up where nothing arrives for too long: the HTTP client itself would wait for
/// ever.
final class StallGuard implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(StallGuard.class);

    private final InputStream body;
    private final Duration limit;
    private final AtomicLong arrivedNanos = new AtomicLong(System.nanoTime());
    private final AtomicBoolean stalled = new AtomicBoolean();
    private final Thread watcher;

    private StallGuard(InputStream body, Duration limit) {
        this.body = body;
        this.limit = limit;
        this.watcher = Thread.ofVirtual().name("openlora-stall-guard").unstarted(this::watch);
    }

    static StallGuard over(InputStream body, Duration limit) {
        StallGuard guard = new StallGuard(body, limit);
        guard.watcher.start();
        return guard;
    }

    private void watch() {
        try {
            for (long left = limit.toNanos(); left > 0; left = limit.toNanos() - silentNanos()) {
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

    private long silentNanos() {
        return System.nanoTime() - arrivedNanos.get();
    }

    /// As [InputStream#read(byte[])].
    ///
    /// @throws IOException also where nothing arrived within the limit
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
        return new IOException("nothing arrived for %.1f s".formatted(limit.toMillis() / 1e3), cause);
    }

    @Override
    public void close() {
        watcher.interrupt();
    }
}
