package org.openlora.meter.ledger;

/// The points around the ledger's durable steps, where a crash must lose nothing and double nothing.
public enum LedgerStep {
    USAGE_BEFORE_COMMIT,
    USAGE_COMMITTED,
    RECEIPTS_BEFORE_COMMIT,
    RECEIPTS_COMMITTED,
    BATCH_FILE_BEFORE_RENAME,
    BATCH_FILE_WRITTEN,
    BATCH_BEFORE_COMMIT,
    BATCH_COMMITTED;

    /// Is told of each step, on the thread that takes it, while the ledger is locked.
    @FunctionalInterface
    public interface Observer {
        void reached(LedgerStep step);
    }
}
