package org.openlora.meter.ledger;

import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Eip712Domain;
import org.openlora.meter.receipt.Signer;

/// Whose ledger this is.
///
/// @param stream id of this replica's receipt stream
/// @param operatorId the operator's id in the ledger contract
/// @param domain what signatures are made for
public record LedgerIdentity(Bytes32 stream, Bytes32 operatorId, Eip712Domain domain, Signer signer) {
    public LedgerIdentity {
        if (stream.isZero() || operatorId.isZero()) {
            throw new IllegalArgumentException("a ledger's stream and operator id must not be zero");
        }
    }
}
