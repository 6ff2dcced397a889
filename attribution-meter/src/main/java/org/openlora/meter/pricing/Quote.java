package org.openlora.meter.pricing;

import java.util.Collections;
import java.util.List;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evidence.AttributionRecord.DatanetUse;
import org.openlora.meter.evidence.AttributionRules;
import org.openlora.meter.evidence.Distribution;
import org.openlora.meter.evidence.Scorer;
import org.openlora.meter.evidence.SpanEvidence;
import org.openlora.meter.evidence.Target;
import org.openlora.meter.evm.Bytes32;

/// What a request that nobody made would cost: the price and its split by role, with the contributors' part undivided,
/// because only a real answer has evidence.
public final class Quote {
    private Quote() {}

    /// @param usage an adapter without an owner pays the treasury, as it would in serving
    /// @throws ArithmeticException where the price exceeds a `long` of pico-units
    public static PricedUsage of(PriceBook book, BilledUsage usage) {
        PayeeTable nobody = PayeeTable.of(List.of());
        return Pricing.quote(usage, undivided(book.rules(), usage), book, nobody);
    }

    /// Everything goes to the pool of one datanet; to the treasury where no adapter serves, as for the bare base.
    private static AttributionRecord undivided(AttributionRules rules, BilledUsage usage) {
        boolean lineage = usage.adapters().stream().anyMatch(adapter -> adapter.weight() > 0);
        int tokens = usage.generatedTokens();
        Target target = lineage
                ? new Target(Target.Kind.POOL, 0, Bytes32.ZERO)
                : new Target(Target.Kind.TREASURY, Target.NO_DATANET, Bytes32.ZERO);
        return new AttributionRecord(
                Scorer.ID,
                Bytes32.ZERO,
                Bytes32.ZERO,
                rules,
                lineage ? List.of(new DatanetUse(Bytes32.ZERO, true)) : List.of(),
                List.of(target),
                new Distribution(List.of(0), List.of(AttributionRules.WHOLE_PPM)),
                List.of(),
                Collections.nCopies(tokens, SpanEvidence.PRIOR),
                List.of(Math.multiplyExact((long) AttributionRules.WHOLE_PPM, Math.max(1, tokens))));
    }
}
