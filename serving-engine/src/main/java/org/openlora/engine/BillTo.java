package org.openlora.engine;

import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// Who is charged for a request: decided by the server from its own configuration, never by a client's field.
///
/// @param account the tenant, as a salted hash
/// @param payer the EVM account that settles
public record BillTo(Bytes32 account, Address payer) {}
