package org.openlora.meter.ledger;

import org.jspecify.annotations.Nullable;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.openlora.meter.usage.TraceOrder;
import org.openlora.meter.usage.UsageCodec;
import org.openlora.meter.usage.UsageRow;

/// A usage row on its way into the ledger.
///
/// @param body canonical JSON, without token ids
/// @param trace what is to be kept besides; null where the tenant wants nothing kept
/// @param bodyHash tells a repeated row from a changed one
@SuppressWarnings("ArrayRecordComponent") // never compared
public record PendingUsage(
        UsageRow row,
        String body,
        Bytes32 bodyHash,
        SignedAcknowledgement acknowledgement,
        byte[] acknowledgementJson,
        @Nullable TraceOrder trace) {
    /// Encodes and hashes on the thread that brings the row, not on the one that commits.
    public static PendingUsage of(UsageRow row, SignedAcknowledgement acknowledgement) {
        return of(row, acknowledgement, null);
    }

    /// With an order to keep the request's tokens.
    public static PendingUsage of(UsageRow row, SignedAcknowledgement acknowledgement, @Nullable TraceOrder trace) {
        String body = UsageCodec.toJson(row);
        return new PendingUsage(
                row, body, UsageCodec.hash(row, body), acknowledgement, acknowledgement.toJson(), trace);
    }
}
