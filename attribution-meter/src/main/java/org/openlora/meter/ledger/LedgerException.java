package org.openlora.meter.ledger;

/// The ledger's files cannot be used: locked by another process, not writable, damaged.
public final class LedgerException extends RuntimeException {
    private static final long serialVersionUID = 1;

    LedgerException(String message) {
        super(message);
    }

    LedgerException(String message, Throwable cause) {
        super(message, cause);
    }
}
