package org.openlora.meter.ledger;

/// A correction was refused: its receipt is unknown, it takes back more than is left, or its id stands for another
/// one. What was refused is in the audit trail.
public final class CorrectionRefusedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    CorrectionRefusedException(String message) {
        super(message);
    }
}
