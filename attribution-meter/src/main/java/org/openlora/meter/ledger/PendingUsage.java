package org.openlora.meter.ledger;

import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.openlora.meter.usage.UsageCodec;
import org.openlora.meter.usage.UsageRow;

/// A usage row on its way into the ledger.
///
/// @param body canonical JSON, without token ids
/// @param bodyHash tells a repeated row from a changed one
@SuppressWarnings("ArrayRecordComponent") // never compared
public record PendingUsage(
        UsageRow row,
        String body,
        Bytes32 bodyHash,
        SignedAcknowledgement acknowledgement,
        byte[] acknowledgementJson) {
    /// Encodes and hashes on the thread that brings the row, not on the one that commits.
    public static PendingUsage of(UsageRow row, SignedAcknowledgement acknowledgement) {
        String body = UsageCodec.toJson(row);
        return new PendingUsage(row, body, UsageCodec.hash(row, body), acknowledgement, acknowledgement.toJson());
    }
}
