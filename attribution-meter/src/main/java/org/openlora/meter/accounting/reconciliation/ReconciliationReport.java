package org.openlora.meter.accounting.reconciliation;

import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What a reconciliation held against what, and what did not agree.
///
/// @param atMillis when, milliseconds since the epoch
/// @param scope what was read
/// @param pending what is under way and not late
/// @param chainUnchecked why the chain was not asked; empty where it was
/// @param breaks in the order of the checks, at most a thousand of each kind
/// @param counts of all breaks, by kind
public record ReconciliationReport(
        long atMillis,
        Scope scope,
        Pending pending,
        Optional<String> chainUnchecked,
        List<Break> breaks,
        Map<BreakKind, Long> counts) {
    /// What was read.
    ///
    /// @param grossPico sum of the prices of usage and debits
    /// @param creditPico sum of the prices of credits
    public record Scope(
            long receipts,
            long payments,
            long batches,
            long batchesOnChain,
            long events,
            long payoutRounds,
            BigInteger grossPico,
            BigInteger creditPico) {}

    /// What is under way and not late: nothing to mend, but a period that holds any of it cannot be closed.
    ///
    /// @param usage requests that have no receipt yet
    /// @param receipts that stand in no batch yet
    /// @param batches that are not on the chain yet
    public record Pending(long usage, long receipts, long batches) {
        public boolean isEmpty() {
            return usage == 0 && receipts == 0 && batches == 0;
        }
    }

    public ReconciliationReport {
        breaks = List.copyOf(breaks);
        counts = Map.copyOf(counts);
    }

    /// Whether everything agrees.
    public boolean isClean() {
        return breaks.isEmpty();
    }

    /// How many breaks there are, those beyond the list included.
    public long breakCount() {
        return counts.values().stream().mapToLong(Long::longValue).sum();
    }

    /// RFC 8785 canonical JSON.
    public String toJson() {
        return ReconciliationJson.text(this);
    }
}
