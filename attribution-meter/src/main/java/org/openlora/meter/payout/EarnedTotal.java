package org.openlora.meter.payout;

import java.math.BigInteger;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Role;

/// What one payee has earned in one role for one source since the beginning: usage and debits less credits.
///
/// @param netPico may be negative where more was credited than served
public record EarnedTotal(Address payee, Role role, Bytes32 source, BigInteger netPico) {}
