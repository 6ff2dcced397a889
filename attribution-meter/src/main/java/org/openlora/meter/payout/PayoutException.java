package org.openlora.meter.payout;

/// A payout cannot go on until a person has looked. Messages are one line, fit for a terminal.
public final class PayoutException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public PayoutException(String message) {
        super(message);
    }
}
