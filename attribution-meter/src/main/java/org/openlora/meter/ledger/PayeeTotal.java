package org.openlora.meter.ledger;

import java.math.BigInteger;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Role;

/// What one payee earned in one role for one source.
///
/// @param amountPico sum over receipts, exact
/// @param receipts how many receipts pay it
public record PayeeTotal(Address payee, Role role, Bytes32 source, BigInteger amountPico, long receipts) {}
