package org.openlora.server.retention;

import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.trace.TraceStore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Erases, in the background of a running server, the tokens whose time is over: at its start and every hour.
public final class TraceEraser implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(TraceEraser.class);
    private static final Duration INTERVAL = Duration.ofHours(1);
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final TraceStore traces;
    private final InstantSource clock;
    private final ScheduledExecutorService executor = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("trace-eraser").factory());

    private TraceEraser(TraceStore traces, InstantSource clock) {
        this.traces = traces;
        this.clock = clock;
    }

    /// @param traces open until this is closed
    public static TraceEraser start(TraceStore traces, InstantSource clock) {
        TraceEraser eraser = new TraceEraser(traces, clock);
        var _ = eraser.executor.scheduleAtFixedRate(eraser::erase, 0, INTERVAL.toSeconds(), TimeUnit.SECONDS);
        return eraser;
    }

    private void erase() {
        try {
            int erased = traces.eraseExpired(clock.millis());
            if (erased > 0) {
                log.info("erased the tokens of {} requests, whose time is over", erased);
            }
        } catch (LedgerException e) {
            log.warn("tokens whose time is over could not be erased: {}; trying again in an hour", e.getMessage());
        }
    }

    @Override
    public void close() {
        executor.shutdown();
        try {
            if (!executor.awaitTermination(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                log.warn("erasing tokens takes long; it goes on at the next start");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
