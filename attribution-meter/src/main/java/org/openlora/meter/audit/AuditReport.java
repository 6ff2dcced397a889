package org.openlora.meter.audit;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.openlora.meter.audit.AuditedReceipt.Check;
import org.openlora.meter.evm.Bytes32;

/// What an audit came to.
///
/// @param seed that chose the sample
/// @param candidates receipts that the sample was chosen of
public record AuditReport(long seed, int candidates, List<AuditedReceipt> receipts) {
    public AuditReport {
        receipts = List.copyOf(receipts);
    }

    /// A check of a receipt, for a list.
    public record Finding(long seq, Bytes32 requestId, CheckName check, String detail) {}

    /// How a check came out over all receipts.
    public record Count(CheckName check, long agrees, long nearTies, long disagrees, long notChecked) {}

    /// Whether nothing was found otherwise than recorded.
    public boolean agrees() {
        return receipts.stream().allMatch(AuditedReceipt::agrees);
    }

    /// One count for each check, in their order.
    public List<Count> counts() {
        List<Count> counts = new ArrayList<>();
        for (CheckName name : CheckName.values()) {
            long[] by = new long[4];
            for (AuditedReceipt receipt : receipts) {
                for (Check check : receipt.checks()) {
                    if (check.name() == name) {
                        by[
                                switch (check.outcome()) {
                                    case Outcome.Agrees _ -> 0;
                                    case Outcome.NearTies _ -> 1;
                                    case Outcome.Disagrees _ -> 2;
                                    case Outcome.NotChecked _ -> 3;
                                }]++;
                    }
                }
            }
            counts.add(new Count(name, by[0], by[1], by[2], by[3]));
        }
        return counts;
    }

    public List<Finding> disagreements() {
        return findings(outcome -> outcome instanceof Outcome.Disagrees);
    }

    public List<Finding> nearTies() {
        return findings(outcome -> outcome instanceof Outcome.NearTies);
    }

    public List<Finding> notChecked() {
        return findings(outcome -> outcome instanceof Outcome.NotChecked);
    }

    private List<Finding> findings(Predicate<Outcome> which) {
        return receipts.stream()
                .flatMap(receipt -> receipt.checks().stream()
                        .filter(check -> which.test(check.outcome()))
                        .map(check -> new Finding(
                                receipt.seq(),
                                receipt.requestId(),
                                check.name(),
                                check.outcome().detail())))
                .toList();
    }
}
