package org.openlora.meter.accounting.period;

import java.util.Optional;
import org.openlora.meter.accounting.entries.PeriodState;

/// How a period of an account stands.
///
/// @param totals what it holds now
/// @param mark what was recorded when it was closed, softly or for good; empty while it is open
public record PeriodStatus(PeriodTotals totals, Optional<PeriodMark> mark) {
    public PeriodState state() {
        return mark.map(PeriodMark::state).orElse(PeriodState.OPEN);
    }

    /// Whether it holds something else than when it was marked. A closed period never does, unless the ledger was
    /// altered.
    public boolean hasChanged() {
        return mark.isPresent() && !mark.get().totalsHash().equals(totals.hash());
    }
}
