package org.openlora.engine.sampling;

/// No token can be drawn from a row of logits: it holds a NaN, an infinite largest logit, or nothing but -∞.
public final class UnusableLogitsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnusableLogitsException(String message) {
        super(message);
    }
}
