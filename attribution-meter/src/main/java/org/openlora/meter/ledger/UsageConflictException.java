package org.openlora.meter.ledger;

/// A usage row came again under the same source and request id with a different content. It was refused and
/// audited.
public final class UsageConflictException extends RuntimeException {
    private static final long serialVersionUID = 1;

    UsageConflictException(String message) {
        super(message);
    }
}
