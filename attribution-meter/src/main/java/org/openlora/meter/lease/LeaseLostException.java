package org.openlora.meter.lease;

/// Another process does what this one was about to do.
public final class LeaseLostException extends RuntimeException {
    private static final long serialVersionUID = 1;

    LeaseLostException(String message) {
        super(message);
    }
}
