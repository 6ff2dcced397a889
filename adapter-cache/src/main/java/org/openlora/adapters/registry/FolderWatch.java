package org.openlora.adapters.registry;

import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import org.openlora.adapters.OneLine;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Has folders scanned while the registry is open, on a thread of its own: those that come, go or are renamed
/// at once, as the operating system tells it; all of them at an interval, for what happens inside of them and
/// for file systems that tell nothing.
final class FolderWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FolderWatch.class);

    /// How long events are gathered before a scan: what is copied is rarely whole when its folder appears.
    private static final Duration GATHERING = Duration.ofMillis(200);

    private final FolderScanner scanner;
    private final Duration interval;
    private final WatchService events;
    private final Thread thread;

    private FolderWatch(FolderScanner scanner, Duration interval, WatchService events) {
        this.scanner = scanner;
        this.interval = interval;
        this.events = events;
        this.thread =
                Thread.ofPlatform().name("openlora-adapter-folders").daemon().unstarted(this::run);
    }

    static FolderWatch start(Path root, FolderScanner scanner, Duration interval) {
        try {
            WatchService events = root.getFileSystem().newWatchService();
            try {
                root.register(
                        events,
                        StandardWatchEventKinds.ENTRY_CREATE,
                        StandardWatchEventKinds.ENTRY_DELETE,
                        StandardWatchEventKinds.ENTRY_MODIFY);
            } catch (IOException e) {
                // Too many watches on this machine, mostly. The interval finds everything, only later.
                LOG.warn(
                        "changes under the adapter root are noticed every {} s only: {}",
                        interval.toSeconds(),
                        OneLine.reason(e));
            }
            FolderWatch watch = new FolderWatch(scanner, interval, events);
            watch.thread.start();
            return watch;
        } catch (IOException e) {
            throw new RegistryException("the adapter root cannot be watched: " + OneLine.reason(e), e);
        }
    }

    private void run() {
        long lastNanos = System.nanoTime();
        while (true) {
            try {
                long leftNanos = interval.toNanos() - (System.nanoTime() - lastNanos);
                WatchKey key = leftNanos <= 0 ? null : events.poll(leftNanos, TimeUnit.NANOSECONDS);
                if (key == null) {
                    scanner.scanAllGently();
                    lastNanos = System.nanoTime();
                } else {
                    Thread.sleep(GATHERING);
                    scan(key);
                }
            } catch (ClosedWatchServiceException | CancellationException | InterruptedException e) {
                return; // closed
            } catch (RuntimeException e) {
                // One bad moment of the disk must not end the watching; the next scan finds what this one missed.
                LOG.error("a scan of the adapter folders failed", e);
                lastNanos = System.nanoTime();
            }
        }
    }

    private void scan(WatchKey key) {
        var names = new HashSet<String>();
        boolean lost = false;
        for (WatchEvent<?> event : key.pollEvents()) {
            if (event.context() instanceof Path name) {
                names.add(name.toString());
            } else {
                lost = true;
            }
        }
        key.reset();
        if (lost) {
            scanner.scanAllGently();
        } else {
            scanner.scan(Set.copyOf(names));
        }
    }

    /// Cuts a scan under way short.
    @Override
    public void close() {
        thread.interrupt();
        try {
            events.close();
            thread.join();
        } catch (IOException e) {
            throw new RegistryException("the watch on the adapter root cannot be ended: " + OneLine.reason(e), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
