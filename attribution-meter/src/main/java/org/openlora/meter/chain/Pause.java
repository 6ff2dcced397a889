package org.openlora.meter.chain;

import java.time.Duration;

/// Waiting between polls.
final class Pause {
    private Pause() {}

    /// @throws ChainException.Failed where the thread is interrupted, with its flag set again
    static void of(Duration duration) {
        try {
            Thread.sleep(duration);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ChainException.Failed("interrupted while waiting for the chain");
        }
    }
}
