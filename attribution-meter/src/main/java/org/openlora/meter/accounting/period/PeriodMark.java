package org.openlora.meter.accounting.period;

import java.util.Optional;
import org.openlora.meter.accounting.entries.PeriodState;
import org.openlora.meter.evm.Bytes32;

/// What was recorded of a period that is closed, softly or for good.
///
/// @param totalsHash of the totals that are pinned
/// @param atMillis when, milliseconds since the epoch
/// @param actor who closed it
/// @param reopenActor who asked to reopen it and waits for a second person
public record PeriodMark(
        AccountPeriod of,
        PeriodState state,
        Bytes32 totalsHash,
        long atMillis,
        String actor,
        String reason,
        Optional<String> reopenActor) {}
