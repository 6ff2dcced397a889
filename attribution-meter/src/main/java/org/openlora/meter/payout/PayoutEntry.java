package org.openlora.meter.payout;

import java.math.BigInteger;
import org.openlora.meter.evm.Address;

/// One payee of a round.
///
/// @param cumulativeUnits what the payee may have had in all, in the token's smallest units; never falls from
///     round to round
/// @param earnedPico what the payee has earned in all; what it is above `cumulativeUnits` waits for the next
///     round, what it is below (credits that came after a payout) is taken off the next earnings
public record PayoutEntry(Address payee, BigInteger cumulativeUnits, BigInteger earnedPico) {
    public PayoutEntry {
        if (cumulativeUnits.signum() < 0) {
            throw new IllegalArgumentException("payee " + payee + " cannot have had " + cumulativeUnits + " units");
        }
    }

    /// Earned and not paid out: the residue below one unit, or negative what was paid out too much.
    public BigInteger carriedPico(SettlementToken token) {
        return earnedPico.subtract(token.picoOf(cumulativeUnits));
    }
}
