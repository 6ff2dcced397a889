package org.openlora.meter.accounting.entries;

/// The books cannot be kept as asked: the message says why, in a clause without a full stop.
public final class AccountingException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public AccountingException(String message) {
        super(message);
    }

    public AccountingException(String message, Throwable cause) {
        super(message, cause);
    }
}
