package org.openlora.engine;

import java.util.concurrent.CompletableFuture;
import org.openlora.meter.receipt.SignedAcknowledgement;

/// Makes usage durable. A response's final event waits for it, so nothing is served that was not metered.
@FunctionalInterface
public interface UsageSink {
    /// Called on the engine thread: appends to a queue and returns at once.
    ///
    /// @return completes when the usage will survive a crash, with the signed proof of it
    CompletableFuture<SignedAcknowledgement> commit(Usage usage);
}
