package org.openlora.meter.audit;

import java.util.List;
import org.openlora.meter.evm.Bytes32;

/// A receipt and what its checks came to.
///
/// @param checks in the order of [CheckName], each name at most once
public record AuditedReceipt(long seq, Bytes32 requestId, List<Check> checks) {
    /// One check.
    public record Check(CheckName name, Outcome outcome) {}

    public AuditedReceipt {
        checks = List.copyOf(checks);
    }

    /// Whether nothing was found otherwise than recorded.
    public boolean agrees() {
        return checks.stream().noneMatch(check -> check.outcome() instanceof Outcome.Disagrees);
    }
}
