package org.openlora.meter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.openlora.meter.audit.AnswerReplay;
import org.openlora.meter.audit.AuditRecords;
import org.openlora.meter.audit.AuditText;
import org.openlora.meter.audit.Outcome;
import org.openlora.meter.audit.Recomputation;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.TestDatabase;
import org.openlora.meter.dispute.Dispute;
import org.openlora.meter.dispute.Disputes;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.AttachedLedger;
import org.openlora.meter.ledger.Correction;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.ledger.ScoredUsage;
import org.openlora.meter.pricing.PricedUsage;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.ReceiptKind;
import org.openlora.meter.trace.TraceStore;
import org.openlora.meter.usage.TokenIds;
import org.openlora.meter.usage.TraceOrder;
import org.openlora.meter.usage.UsageRow;

@ParameterizedClass
@EnumSource(TestDatabase.class)
class DisputeTest {
    private static final long NOW = 1_800_000_000_000L;
    private static final long SEQ = 1;

    private final TestDatabase database;

    @TempDir
    private Path folder;

    DisputeTest(TestDatabase database) {
        this.database = database;
    }

    /// A ledger whose one receipt is recorded as `change` has it.
    private UsageRow serve(TamperedMeter.Tampering change) {
        UsageRow row;
        try (Meter meter = Meter.open(MeterFixture.options(database.ledger(folder)))) {
            row = MeterFixture.row(meter, 25);
        }
        TamperedMeter.serve(row, database.ledger(folder), new TraceOrder("{}", Long.MAX_VALUE), change);
        return row;
    }

    private <T> T with(AnswerReplay replay, Function<Disputes, T> work) {
        try (AttachedLedger ledger = Ledger.attach(database.ledger(folder), MeterFixture.IDENTITY)) {
            TraceStore traces = new TraceStore(ledger.database());
            AuditText.Source kept = receipt -> traces.find(receipt.requestId())
                    .map(trace -> new AuditText("trace store", trace.prompt(), trace.output(), trace.replay()));
            AuditRecords records = new AuditRecords(ledger.database(), MeterFixture.IDENTITY.stream());
            return work.apply(new Disputes(
                    ledger,
                    new Recomputation(records, TamperedMeter.honestScorer(ledger, folder)),
                    kept,
                    replay,
                    Duration.ofHours(24)));
        }
    }

    private <T> T with(Function<Disputes, T> work) {
        return with(AnswerReplay.NONE, work);
    }

    private static Dispute.Resolution resolution(Dispute dispute) {
        return Objects.requireNonNull(dispute.resolution(), "it is open");
    }

    private List<Receipt> receipts() {
        try (AttachedLedger ledger = Ledger.attach(database.ledger(folder), MeterFixture.IDENTITY)) {
            ledger.queries().verify(MeterFixture.operator());
            ledger.queries().verifyAudit();
            return ledger.queries().receipts(1, 10).stream()
                    .map(signed -> signed.receipt())
                    .toList();
        }
    }

    private List<String> auditKinds() {
        try (AttachedLedger ledger = Ledger.attach(database.ledger(folder), MeterFixture.IDENTITY)) {
            return ledger.queries().audit().stream()
                    .map(entry -> entry.event().kind())
                    .toList();
        }
    }

    @Test
    void resolve_pricedUnderAWrongCount_creditsWhatWasTooMuch() {
        List<ScoredUsage.Priced> honest = new ArrayList<>();
        serve((priced, scorer) -> {
            honest.add(priced);
            return TamperedMeter.underAWrongCount(priced, scorer);
        });
        Dispute open = with(disputes -> disputes.open(SEQ, "billed for a longer prompt", "payer", null, NOW));
        assertThat(open.state()).isEqualTo(Dispute.State.OPEN);
        Dispute again = with(disputes -> disputes.open(SEQ, "billed for a longer prompt", "payer", null, NOW + 1));
        assertThat(again).isEqualTo(open);

        Dispute resolved = with(disputes -> disputes.resolve(open.id(), "auditor", NOW + 2));
        assertThat(resolved.state()).isEqualTo(Dispute.State.CREDITED);
        List<Receipt> receipts = receipts();
        assertThat(receipts).hasSize(2);
        Receipt credit = receipts.get(1);
        assertThat(credit.kind()).isEqualTo(ReceiptKind.CREDIT);
        assertThat(credit.ref()).isEqualTo(ReceiptCodec.structHash(receipts.getFirst()));
        assertThat(receipts.getFirst().price() - credit.price())
                .isEqualTo(honest.getFirst().price().pricePico());
        try (AttachedLedger ledger = Ledger.attach(database.ledger(folder), MeterFixture.IDENTITY)) {
            assertThat(ledger.queries().paymentsLeft(credit.ref()).stream()
                            .filter(payment -> payment.amount() > 0)
                            .toList())
                    .isEqualTo(honest.getFirst().price().payments());
        }
        assertThat(auditKinds()).containsExactly("dispute-opened", "credit", "dispute-resolved");
        Dispute settled = with(disputes -> disputes.resolve(open.id(), "somebody else", NOW + 3));
        assertThat(settled).isEqualTo(resolved);
        assertThat(receipts()).hasSize(2);
        List<Dispute> credited = with(disputes -> disputes.list(Dispute.State.CREDITED));
        assertThat(credited).containsExactly(resolved);
        List<Dispute> stillOpen = with(disputes -> disputes.list(Dispute.State.OPEN));
        assertThat(stillOpen).isEmpty();
    }

    @Test
    void resolve_crashBehindTheCredit_isEndedWithoutAnother() {
        serve(TamperedMeter::underAWrongCount);
        Dispute open = with(disputes -> disputes.open(SEQ, "too much", "payer", null, NOW));
        Dispute resolved = with(disputes -> disputes.resolve(open.id(), "auditor", NOW + 1));
        try (Database written = Database.open(database.location(folder))) {
            int undone = written.write(
                    connection -> Database.update(
                            connection,
                            "UPDATE dispute SET state = 0, resolved_by = NULL, resolved_at = NULL, finding = NULL, credit = NULL"));
            assertThat(undone).isEqualTo(1);
        }
        Dispute again = with(disputes -> disputes.resolve(open.id(), "another auditor", NOW + 2));
        assertThat(again.state()).isEqualTo(Dispute.State.CREDITED);
        assertThat(resolution(again).credit()).isEqualTo(resolution(resolved).credit());
        assertThat(receipts()).hasSize(2);
    }

    @Test
    void resolve_paymentDiverted_goesToWhomItBelongs() {
        List<Payment> right = new ArrayList<>();
        serve((priced, scorer) -> {
            right.addAll(priced.price().payments());
            List<Payment> payments = new ArrayList<>(right);
            Payment first = payments.getFirst();
            payments.set(0, new Payment(Fixtures.address("a thief"), first.role(), first.source(), first.amount()));
            return new ScoredUsage.Priced(
                    priced.usage(),
                    priced.attribution(),
                    new PricedUsage(priced.price().pricePico(), payments));
        });
        Dispute resolved = with(disputes -> disputes.resolve(
                disputes.open(SEQ, "not my payee", "owner", null, NOW).id(), "auditor", NOW));
        assertThat(resolved.state()).isEqualTo(Dispute.State.CREDITED);
        assertThat(resolution(resolved).debit()).isNotNull();
        List<Receipt> receipts = receipts();
        assertThat(receipts)
                .extracting(Receipt::kind)
                .containsExactly(ReceiptKind.USAGE, ReceiptKind.CREDIT, ReceiptKind.DEBIT);
        assertThat(receipts.get(1).price()).isEqualTo(receipts.get(2).price());
        try (AttachedLedger ledger = Ledger.attach(database.ledger(folder), MeterFixture.IDENTITY)) {
            assertThat(ledger.queries().paymentsLeft(receipts.get(1).ref()).stream()
                            .filter(payment -> payment.amount() > 0)
                            .toList())
                    .isEqualTo(right);
        }
    }

    @Test
    void resolve_rightReceipt_isRejectedWithTheFinding() {
        serve((priced, scorer) -> priced);
        Dispute resolved = with(disputes -> disputes.resolve(
                disputes.open(SEQ, "I do not like it", "payer", null, NOW).id(), "auditor", NOW));
        assertThat(resolved.state()).isEqualTo(Dispute.State.REJECTED);
        assertThat(resolution(resolved).finding()).contains("as charged", "\"evidence\"", "agrees");
        assertThat(receipts()).hasSize(1);
        assertThat(auditKinds()).containsExactly("dispute-opened", "dispute-resolved");
    }

    @Test
    void resolve_answerDrawnOtherwise_creditsAllThatIsLeft() {
        serve((priced, scorer) -> priced);
        AnswerReplay other = (row, replay) -> new Outcome.Disagrees("another token at 3");
        Receipt receipt = receipts().getFirst();
        Payment first = receipt.payments().getFirst();
        try (AttachedLedger ledger = Ledger.attach(database.ledger(folder), MeterFixture.IDENTITY)) {
            ledger.correct(
                    new Correction(
                            Fixtures.word("a kindness"),
                            ReceiptKind.CREDIT,
                            ReceiptCodec.structHash(receipt),
                            List.of(new Payment(first.payee(), first.role(), first.source(), first.amount())),
                            "support",
                            "goodwill"),
                    Duration.ofHours(1),
                    NOW);
        }
        Dispute resolved = with(
                other,
                disputes -> disputes.resolve(
                        disputes.open(SEQ, "another model", "payer", null, NOW).id(), "auditor", NOW));
        assertThat(resolved.state()).isEqualTo(Dispute.State.CREDITED);
        assertThat(receipts().get(2).price()).isEqualTo(receipt.price() - first.amount());
    }

    @Test
    void open_givenText_mustBeTheReceiptsAndIsErasedInTheEnd() {
        UsageRow row = serve(TamperedMeter::underAWrongCount);
        try (AttachedLedger ledger = Ledger.attach(database.ledger(folder), MeterFixture.IDENTITY)) {
            new TraceStore(ledger.database()).eraseRequest(row.requestId(), NOW);
        }
        AuditText given = new AuditText("given text", row.prompt(), row.output(), null);
        AuditText other = new AuditText("given text", row.prompt(), TokenIds.of(1), null);
        assertThatThrownBy(() -> with(disputes -> disputes.open(SEQ, "too much", "payer", other, NOW)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not the tokens of receipt 1");
        Dispute open = with(disputes -> disputes.open(SEQ, "too much", "payer", given, NOW));
        assertThat(open.textGiven()).isTrue();
        Dispute resolved = with(disputes -> disputes.resolve(open.id(), "auditor", NOW));
        assertThat(resolved.state()).isEqualTo(Dispute.State.CREDITED);
        assertThat(resolved.textGiven()).isFalse();
        assertThat(resolution(resolved).finding()).contains("given text");
    }

    @Test
    void openAndResolve_whatThereIsNot_isNamed() {
        serve((priced, scorer) -> priced);
        assertThatThrownBy(() -> with(disputes -> disputes.open(7, "why", "payer", null, NOW)))
                .hasMessageContaining("no receipt 7");
        assertThatThrownBy(() -> with(disputes -> disputes.open(SEQ, " ", "payer", null, NOW)))
                .hasMessageContaining("needs a reason");
        Bytes32 unknown = Fixtures.word("no dispute");
        assertThatThrownBy(() -> with(disputes -> disputes.resolve(unknown, "auditor", NOW)))
                .hasMessageContaining("there is no dispute " + unknown);
        Optional<Dispute> none = with(disputes -> disputes.find(unknown));
        assertThat(none).isEmpty();
    }
}
