package org.openlora.meter.ledger;

import org.openlora.meter.receipt.SignedAcknowledgement;

/// What became of a usage row in a group commit.
public sealed interface CommitOutcome {
    /// Durable; a repeated row gets the acknowledgement of its first commit.
    record Durable(SignedAcknowledgement acknowledgement) implements CommitOutcome {}

    /// Refused: the same source and request id, another content.
    record Conflict(String message) implements CommitOutcome {
        public UsageConflictException exception() {
            return new UsageConflictException(message);
        }
    }
}
