package org.openlora.meter;

import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What is known of the ledger's health, and who is told when it changes.
final class LedgerWatch {
    private static final Logger LOG = LoggerFactory.getLogger(LedgerWatch.class);

    private final InstantSource clock;
    private final List<Consumer<LedgerHealth>> listeners = new CopyOnWriteArrayList<>();
    private volatile LedgerHealth health = new LedgerHealth.Writable();

    LedgerWatch(InstantSource clock) {
        this.clock = clock;
    }

    LedgerHealth health() {
        return health;
    }

    /// Tells of the health now and of each change from now on, on the thread that found it.
    synchronized void listen(Consumer<LedgerHealth> listener) {
        listeners.add(listener);
        listener.accept(health);
    }

    /// A write failed.
    synchronized void failed(RuntimeException failure) {
        String reason = String.valueOf(failure.getMessage());
        switch (health) {
            case LedgerHealth.Writable _ -> {
                LOG.error("nothing new is served until the ledger can be written: {}", reason, failure);
                change(new LedgerHealth.Unwritable(clock.instant(), reason));
            }
            case LedgerHealth.Unwritable(var since, String _) -> change(new LedgerHealth.Unwritable(since, reason));
        }
    }

    /// A write proved that the ledger can be written.
    synchronized void recovered() {
        LOG.info("the ledger can be written again");
        change(new LedgerHealth.Writable());
    }

    private void change(LedgerHealth now) {
        health = now;
        listeners.forEach(listener -> listener.accept(now));
    }
}
