package org.openlora.meter.ledger;

import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.pricing.PricedUsage;

/// What scoring made of a usage row.
public sealed interface ScoredUsage {
    StoredUsage usage();

    /// Becomes a receipt.
    record Priced(StoredUsage usage, AttributionRecord attribution, PricedUsage price) implements ScoredUsage {}

    /// Is set aside, with its token ids, until someone removes the reason.
    record Quarantined(StoredUsage usage, String reason) implements ScoredUsage {}
}
