package org.openlora.meter;

import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import org.openlora.meter.datanet.DatanetRegistry;
import org.openlora.meter.evidence.CorpusLibrary;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.index.IndexStore;
import org.openlora.meter.ledger.AttachedLedger;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.ledger.PendingUsage;
import org.openlora.meter.ledger.ReceiptListener;
import org.openlora.meter.ledger.ScoredUsage;
import org.openlora.meter.ledger.StoredUsage;
import org.openlora.meter.ledger.UsageReceipts;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.openlora.meter.trace.TraceStore;
import org.openlora.meter.usage.TokenIds;
import org.openlora.meter.usage.TraceOrder;
import org.openlora.meter.usage.UsageRow;

/// A meter that scores one request other than it should: a fault in the program, or an operator who cheats.
final class TamperedMeter {
    private TamperedMeter() {}

    /// What is recorded in place of what is right.
    interface Tampering {
        ScoredUsage.Priced apply(ScoredUsage.Priced right, UsageScorer scorer);
    }

    /// Records one more request as `change` has it.
    static void serve(UsageRow row, LedgerLocation location, TraceOrder trace, Tampering change) {
        ReceiptListener keeping = (connection, usage, receipt) -> TraceStore.keep(connection, usage.row());
        try (Ledger ledger = Ledger.open(location, MeterFixture.IDENTITY, step -> {}, keeping)) {
            long includeBy = row.servedToMillis() + 1000;
            SignedAcknowledgement acknowledgement = SignedAcknowledgement.sign(
                    UsageReceipts.acknowledgement(row, includeBy),
                    MeterFixture.IDENTITY.domain(),
                    MeterFixture.IDENTITY.signer());
            ledger.commitUsage(List.of(PendingUsage.of(row, acknowledgement, trace)), includeBy);
            UsageScorer scorer = honestScorer(ledger, location.folder());
            ScoredUsage.Priced right =
                    priced(scorer.score(ledger.waitingUsage(1).getFirst()));
            ledger.recordScored(List.of(change.apply(right, scorer)), includeBy);
        }
    }

    /// What computes receipts again.
    static UsageScorer honestScorer(AttachedLedger ledger, Path home) {
        DatanetOptions folders = DatanetOptions.of(home);
        return new UsageScorer(
                ledger,
                new CorpusLibrary(
                        DatanetRegistry.open(ledger.database(), folders.rows(), InstantSource.system()),
                        new IndexStore(folders.indices()),
                        Map.of(Fixtures.TOKENIZER, Fixtures.ENCODER)));
    }

    static ScoredUsage.Priced priced(ScoredUsage scored) {
        return switch (scored) {
            case ScoredUsage.Priced priced -> priced;
            case ScoredUsage.Quarantined(StoredUsage _, String reason) -> throw new AssertionError(reason);
        };
    }

    /// As if the prompt had been a thousand tokens longer.
    static ScoredUsage.Priced underAWrongCount(ScoredUsage.Priced right, UsageScorer scorer) {
        UsageRow row = right.usage().row();
        UsageRow longer = row.withTokens(TokenIds.of(new int[row.prompt().size() + 1000]), row.output());
        StoredUsage other =
                new StoredUsage(right.usage().id(), longer, right.usage().includeByMillis());
        return new ScoredUsage.Priced(
                right.usage(),
                right.attribution(),
                priced(scorer.price(other, right.attribution())).price());
    }
}
