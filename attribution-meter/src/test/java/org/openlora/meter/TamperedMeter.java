package org.openlora.meter;

import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evidence.CorpusLibrary;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evidence.LineageCorpora;
import org.openlora.meter.evidence.Scorer;
import org.openlora.meter.ledger.AttachedLedger;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.ledger.PendingUsage;
import org.openlora.meter.ledger.ReceiptListener;
import org.openlora.meter.ledger.ScoredUsage;
import org.openlora.meter.ledger.StoredUsage;
import org.openlora.meter.ledger.UsageReceipts;
import org.openlora.meter.pricing.PayeeTable;
import org.openlora.meter.pricing.PricedUsage;
import org.openlora.meter.pricing.Pricing;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.openlora.meter.trace.TraceStore;
import org.openlora.meter.usage.TokenIds;
import org.openlora.meter.usage.TraceOrder;
import org.openlora.meter.usage.UsageRow;

/// A meter that scores one request other than it should: a fault in the program, or an operator who cheats.
final class TamperedMeter {
    private TamperedMeter() {}

    /// Records one more request as `change` has it.
    static void serve(
            UsageRow row, LedgerLocation location, TraceOrder trace, UnaryOperator<ScoredUsage.Priced> change) {
        ReceiptListener keeping = (connection, usage, receipt) -> TraceStore.keep(connection, usage.row());
        try (Ledger ledger = Ledger.open(location, MeterFixture.IDENTITY, step -> {}, keeping)) {
            long includeBy = row.servedToMillis() + 1000;
            SignedAcknowledgement acknowledgement = SignedAcknowledgement.sign(
                    UsageReceipts.acknowledgement(row, includeBy),
                    MeterFixture.IDENTITY.domain(),
                    MeterFixture.IDENTITY.signer());
            ledger.commitUsage(List.of(PendingUsage.of(row, acknowledgement, trace)), includeBy);
            ScoredUsage.Priced right = score(ledger.waitingUsage(1).getFirst());
            ledger.recordScored(List.of(change.apply(right)), includeBy);
        }
    }

    /// What computes receipts again.
    static UsageScorer honestScorer(AttachedLedger ledger) {
        return new UsageScorer(
                ledger, new CorpusLibrary(MeterFixture.registry(), Map.of(Fixtures.TOKENIZER, Fixtures.ENCODER)));
    }

    /// As it should be.
    static ScoredUsage.Priced score(StoredUsage usage) {
        UsageRow row = usage.row();
        LineageCorpora lineage = new CorpusLibrary(
                        MeterFixture.registry(), Map.of(Fixtures.TOKENIZER, Fixtures.ENCODER))
                .lineage(row.versions().datanets(), row.tokenizerDigest());
        AttributionRecord attribution =
                Scorer.score(row, lineage, MeterFixture.priceBook().rules());
        return new ScoredUsage.Priced(usage, attribution, price(row, attribution));
    }

    private static PricedUsage price(UsageRow row, AttributionRecord attribution) {
        return Pricing.price(row, attribution, MeterFixture.priceBook(), PayeeTable.of(MeterFixture.datanets()));
    }

    /// As if the prompt had been a thousand tokens longer.
    static ScoredUsage.Priced underAWrongCount(ScoredUsage.Priced priced) {
        UsageRow row = priced.usage().row();
        UsageRow longer = row.withTokens(TokenIds.of(new int[row.prompt().size() + 1000]), row.output());
        return new ScoredUsage.Priced(priced.usage(), priced.attribution(), price(longer, priced.attribution()));
    }
}
