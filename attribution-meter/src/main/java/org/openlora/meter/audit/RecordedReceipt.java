package org.openlora.meter.audit;

import org.jspecify.annotations.Nullable;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.SignedReceipt;

/// A receipt with everything that the ledger keeps of how it came about.
///
/// @param structHash as the ledger has it
/// @param attribution bytes of the attribution record; empty for a correction
/// @param usage the usage row; null for a correction
@SuppressWarnings("ArrayRecordComponent") // Read once from the ledger; never compared.
record RecordedReceipt(
        SignedReceipt signed,
        Bytes32 structHash,
        byte[] attribution,
        @Nullable Usage usage) {
    /// A usage row without its token ids.
    ///
    /// @param bodyHash over the body and the ids that it was committed with
    record Usage(String body, Bytes32 bodyHash, long includeByMillis) {}
}
