package org.openlora.server.adapters;

import java.io.Serial;

/// A change that may not or cannot be made, with a one-line message that says why and what would help.
public final class DeskException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    /// What stands in the way.
    public enum Reason {
        /// It is an administrator's to do.
        NOT_ALLOWED,
        /// The adapter is not in a state in which it can be done.
        CONFLICT
    }

    private final Reason reason;

    public DeskException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
