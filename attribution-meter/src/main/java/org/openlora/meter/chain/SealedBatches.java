package org.openlora.meter.chain;

import java.util.Optional;

/// The sealed batches of one (operator, stream), as the ledger keeps them. A sealed batch never changes.
@FunctionalInterface
public interface SealedBatches {
    /// The batch with this number (from 1); empty where it is not sealed yet.
    Optional<BatchHeader> batch(long number);
}
