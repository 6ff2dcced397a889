package org.openlora.meter.payout;

import java.math.BigInteger;
import java.util.List;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// What one datanet's pool has earned in all, and how it was divided.
///
/// @param earnedPico by the receipts; what it is above the shares' sum waits, what it is below is taken off
/// @param evidence what each contributor of this datanet has earned by evidence in all, when the pool was last divided
/// @param shares what each was given of the pool, in all
public record DatanetPool(Bytes32 datanet, BigInteger earnedPico, List<Evidence> evidence, List<Share> shares) {
    /// Earnings in the role of a contributor.
    public record Evidence(Bytes32 contributor, BigInteger earnedPico) {}

    /// A part of the pool; one line for each payee that the contributor has named.
    public record Share(Bytes32 contributor, Address payee, BigInteger givenPico) {}

    public DatanetPool {
        evidence = List.copyOf(evidence);
        shares = List.copyOf(shares);
    }

    /// What was divided so far.
    public BigInteger dividedPico() {
        return shares.stream().map(Share::givenPico).reduce(BigInteger.ZERO, BigInteger::add);
    }

    /// Earned and not divided; negative where credits came after the division.
    public BigInteger waitingPico() {
        return earnedPico.subtract(dividedPico());
    }
}
