package org.openlora.meter.accounting.reconciliation;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/// What the checks of one reconciliation found. Of each kind the first thousand are kept and all are counted,
/// so a ledger that is wrong throughout needs no memory in proportion.
final class Findings {
    private static final int KEPT_OF_A_KIND = 1_000;

    private final List<Break> breaks = new ArrayList<>();
    private final Map<BreakKind, Long> counts = new EnumMap<>(BreakKind.class);

    void add(BreakKind kind, Subject subject, String expected, String found, long sinceMillis) {
        add(new Break(kind, subject, expected, found, OptionalLong.of(sinceMillis)));
    }

    void add(BreakKind kind, Subject subject, String expected, String found) {
        add(new Break(kind, subject, expected, found, OptionalLong.empty()));
    }

    private void add(Break item) {
        if (counts.merge(item.kind(), 1L, Long::sum) <= KEPT_OF_A_KIND) {
            breaks.add(item);
        }
    }

    List<Break> breaks() {
        return breaks;
    }

    Map<BreakKind, Long> counts() {
        return counts;
    }
}
