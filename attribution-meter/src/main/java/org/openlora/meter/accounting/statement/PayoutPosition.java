package org.openlora.meter.accounting.statement;

import java.math.BigInteger;
import java.util.Optional;
import org.openlora.meter.payout.PayoutEntry;
import org.openlora.meter.payout.SettlementToken;

/// Where a payee stands in the payout rounds, over all periods.
///
/// @param round number of the last round that was posted
/// @param claimedUnits what was paid out, in the token's smallest units; empty where the chain was not asked
public record PayoutPosition(long round, SettlementToken token, PayoutEntry entry, Optional<BigInteger> claimedUnits) {
    /// What can be claimed now; empty where the chain was not asked.
    public Optional<BigInteger> claimableUnits() {
        return claimedUnits.map(claimed -> entry.cumulativeUnits().subtract(claimed));
    }

    /// Earned and not payable yet: the residue below the token's smallest unit.
    public BigInteger carriedPico() {
        return entry.carriedPico(token);
    }
}
