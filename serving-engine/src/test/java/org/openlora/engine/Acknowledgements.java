package org.openlora.engine;

import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.receipt.Eip712Domain;
import org.openlora.meter.receipt.OperatorKey;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.openlora.meter.receipt.UsageAcknowledgement;

/// Acknowledgements of a ledger that keeps nothing.
final class Acknowledgements {
    private Acknowledgements() {}

    static SignedAcknowledgement of(String requestId) {
        Bytes32 zero = Bytes32.ZERO;
        UsageAcknowledgement usage =
                new UsageAcknowledgement(Keccak256.hash(requestId), zero, zero, zero, 1, 1, zero, zero, 1);
        return SignedAcknowledgement.sign(
                usage, Eip712Domain.ledger(31337, Address.ZERO), OperatorKey.ofHex("11".repeat(32)));
    }
}
