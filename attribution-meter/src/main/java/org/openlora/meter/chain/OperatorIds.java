package org.openlora.meter.chain;

import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;

/// Operator ids, which are known before any chain is.
public final class OperatorIds {
    private OperatorIds() {}

    /// The id that a registrant gets with a salt: keccak256(abi.encode(registrant, salt)).
    public static Bytes32 of(Address registrant, Bytes32 salt) {
        byte[] word = new byte[Bytes32.SIZE_BYTES];
        registrant.writeTo(word, Bytes32.SIZE_BYTES - Address.SIZE_BYTES);
        return Keccak256.hash(word, salt.bytes());
    }
}
