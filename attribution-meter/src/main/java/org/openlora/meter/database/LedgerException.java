package org.openlora.meter.database;

/// The ledger cannot be used: not reachable, in use by another process, not writable, or its entries do not hold.
public final class LedgerException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /// What kind of failure it is, for whoever decides whether to try again or to refuse work.
    public enum Reason {
        /// Another process owns it.
        IN_USE,
        /// The database does not answer, or not in time.
        UNREACHABLE,
        /// The connection ended in the middle of a commit and nobody could be asked whether it was made.
        OUTCOME_UNKNOWN,
        /// No room on the disk.
        FULL,
        /// The database or its disk is read-only.
        READ_ONLY,
        /// Entries or files are not what was written.
        DAMAGED,
        /// Anything else; the message says what.
        OTHER
    }

    private final Reason reason;

    public LedgerException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    public LedgerException(Reason reason, String message, Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
