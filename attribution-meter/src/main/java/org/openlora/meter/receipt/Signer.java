package org.openlora.meter.receipt;

import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// Something that signs 32-byte digests as one EVM account.
public interface Signer {
    Address address();

    /// Deterministic (RFC 6979): the same digest gives the same signature.
    Signature sign(Bytes32 digest);
}
