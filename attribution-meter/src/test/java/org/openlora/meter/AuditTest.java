package org.openlora.meter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.openlora.meter.audit.AnswerReplay;
import org.openlora.meter.audit.AuditRecords;
import org.openlora.meter.audit.AuditSample;
import org.openlora.meter.audit.AuditText;
import org.openlora.meter.audit.AuditedReceipt;
import org.openlora.meter.audit.Auditor;
import org.openlora.meter.audit.CheckName;
import org.openlora.meter.audit.Outcome;
import org.openlora.meter.audit.Recomputation;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.TestDatabase;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.ledger.AttachedLedger;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.ledger.ScoredUsage;
import org.openlora.meter.ledger.StoredUsage;
import org.openlora.meter.pricing.PricedUsage;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.trace.TraceStore;
import org.openlora.meter.usage.TokenIds;
import org.openlora.meter.usage.TraceOrder;
import org.openlora.meter.usage.UsageRow;

@ParameterizedClass
@EnumSource(TestDatabase.class)
class AuditTest {
    private static final int RECEIPTS = 9;
    private static final TraceOrder ORDER = new TraceOrder("{}", Long.MAX_VALUE);

    private final TestDatabase database;

    @TempDir
    private Path folder;

    AuditTest(TestDatabase database) {
        this.database = database;
    }

    /// Receipts 1 to 9, of which the odd ones' tokens are kept, in one batch; and one that is recorded as `change` has
    /// it.
    private void serve(TamperedMeter.Tampering change) {
        UsageRow last;
        try (Meter meter = Meter.open(MeterFixture.options(database.ledger(folder)))) {
            for (int i = 1; i <= RECEIPTS; i++) {
                meter.commit(MeterFixture.row(meter, i), i % 2 == 1 ? ORDER : null)
                        .join();
            }
            meter.drain(MeterFixture.PATIENCE);
            meter.seal();
            last = MeterFixture.row(meter, 25);
        }
        TamperedMeter.serve(last, database.ledger(folder), ORDER, change);
    }

    private static AttachedLedger open(TestDatabase database, Path folder) {
        return Ledger.attach(database.ledger(folder), MeterFixture.IDENTITY);
    }

    private AuditedReceipt audit(long seq) {
        return audit(seq, null, AnswerReplay.NONE);
    }

    private AuditedReceipt audit(long seq, @Nullable AuditText text, AnswerReplay replay) {
        try (AttachedLedger ledger = open(database, folder)) {
            var traces = new TraceStore(ledger.database());
            AuditText.Source kept = receipt -> traces.find(receipt.requestId())
                    .map(trace -> new AuditText("trace store", trace.prompt(), trace.output(), trace.replay()));
            AuditRecords records = new AuditRecords(ledger.database(), MeterFixture.IDENTITY.stream());
            return new Auditor(
                            ledger,
                            records,
                            MeterFixture.operator(),
                            new Recomputation(records, TamperedMeter.honestScorer(ledger, folder)),
                            text == null ? kept : receipt -> Optional.of(text),
                            replay)
                    .audit(seq);
        }
    }

    private static Outcome outcome(AuditedReceipt receipt, CheckName name) {
        return receipt.checks().stream()
                .filter(check -> check.name() == name)
                .map(AuditedReceipt.Check::outcome)
                .findFirst()
                .orElseThrow();
    }

    private static List<CheckName> disagreeing(AuditedReceipt receipt) {
        return receipt.checks().stream()
                .filter(check -> check.outcome() instanceof Outcome.Disagrees)
                .map(AuditedReceipt.Check::name)
                .toList();
    }

    /// As somebody does who has the database in his hands.
    private void change(String sql, Object... arguments) {
        String guard =
                "DROP TRIGGER IF EXISTS receipt_unchanged" + (database == TestDatabase.POSTGRES ? " ON receipt" : "");
        try (Database written = Database.open(database.location(folder))) {
            written.write(connection -> Database.update(connection, guard));
            int changed = written.write(connection -> Database.update(connection, sql, arguments));
            assertThat(changed).isPositive();
        }
    }

    @Test
    void audit_honestReceipts_agreeInEveryCheck() {
        serve((priced, scorer) -> priced);
        for (long seq = 1; seq <= RECEIPTS; seq++) {
            AuditedReceipt audited = audit(seq);
            assertThat(disagreeing(audited)).as("receipt %d", seq).isEmpty();
            assertThat(audited.agrees()).isTrue();
            boolean kept = seq % 2 == 1;
            assertThat(outcome(audited, CheckName.EVIDENCE))
                    .isInstanceOf(kept ? Outcome.Agrees.class : Outcome.NotChecked.class);
            for (CheckName name : List.of(
                    CheckName.SIGNATURE,
                    CheckName.LINK,
                    CheckName.INCLUSION,
                    CheckName.PRICE,
                    CheckName.PAYMENTS,
                    CheckName.MEMBERS)) {
                assertThat(outcome(audited, name)).as("%s", name).isInstanceOf(Outcome.Agrees.class);
            }
        }
        assertThat(outcome(audit(RECEIPTS + 1L), CheckName.INCLUSION)).isInstanceOf(Outcome.NotChecked.class);
        assertThatThrownBy(() -> audit(99)).hasMessageContaining("no receipt 99");
    }

    @Test
    void audit_givenText_isCheckedAgainstTheSaltedHashes() {
        serve((priced, scorer) -> priced);
        UsageRow row;
        try (Meter meter = Meter.open(MeterFixture.options(database.ledger(folder)))) {
            row = MeterFixture.row(meter, 2);
        }
        AuditedReceipt right = audit(2, new AuditText("payer", row.prompt(), row.output(), null), AnswerReplay.NONE);
        assertThat(outcome(right, CheckName.EVIDENCE)).isInstanceOf(Outcome.Agrees.class);
        TokenIds other = TokenIds.of(1, 2, 3);
        AuditedReceipt wrong = audit(2, new AuditText("payer", row.prompt(), other, null), AnswerReplay.NONE);
        assertThat(disagreeing(wrong)).containsExactly(CheckName.TEXT);
    }

    @Test
    void audit_keptAnswer_isDrawnAgainWithItsTokens() {
        serve((priced, scorer) -> priced);
        List<UsageRow> asked = new ArrayList<>();
        AuditedReceipt audited = audit(1, null, (row, replay) -> {
            asked.add(row);
            return new Outcome.Disagrees("another token " + replay);
        });
        assertThat(disagreeing(audited)).containsExactly(CheckName.REPLAY);
        assertThat(asked.getFirst().output().size()).isPositive();
        assertThat(outcome(audit(2), CheckName.REPLAY)).isInstanceOf(Outcome.NotChecked.class);
    }

    @Test
    void audit_pricedUnderAWrongCount_priceAndPaymentsDisagree() {
        serve(TamperedMeter::underAWrongCount);
        assertThat(disagreeing(audit(RECEIPTS + 1L))).containsExactly(CheckName.PRICE, CheckName.PAYMENTS);
    }

    @Test
    void audit_paymentDiverted_paymentsDisagreeAlone() {
        serve((priced, scorer) -> {
            List<Payment> payments = new ArrayList<>(priced.price().payments());
            Payment first = payments.getFirst();
            payments.set(0, new Payment(Fixtures.address("a thief"), first.role(), first.source(), first.amount()));
            return new ScoredUsage.Priced(
                    priced.usage(),
                    priced.attribution(),
                    new PricedUsage(priced.price().pricePico(), payments));
        });
        assertThat(disagreeing(audit(RECEIPTS + 1L))).containsExactly(CheckName.PAYMENTS);
    }

    @Test
    void audit_evidenceOfAnotherText_evidenceDisagrees() {
        serve((priced, scorer) -> {
            UsageRow row = priced.usage().row();
            int[] output = row.output().toArray();
            Arrays.fill(output, 39);
            StoredUsage other = new StoredUsage(
                    priced.usage().id(),
                    row.withTokens(row.prompt(), TokenIds.of(output)),
                    priced.usage().includeByMillis());
            ScoredUsage.Priced wrong = TamperedMeter.priced(scorer.score(other));
            return new ScoredUsage.Priced(priced.usage(), wrong.attribution(), wrong.price());
        });
        assertThat(disagreeing(audit(RECEIPTS + 1L))).contains(CheckName.EVIDENCE);
    }

    @Test
    void audit_ledgerChangedBehindItsBack_isFound() throws Exception {
        serve((priced, scorer) -> priced);
        change("UPDATE receipt SET signed = (SELECT signed FROM receipt WHERE seq = 3) WHERE seq = 4");
        assertThat(disagreeing(audit(4))).contains(CheckName.SIGNATURE, CheckName.INCLUSION);
        assertThat(disagreeing(audit(5))).contains(CheckName.LINK);

        change("UPDATE receipt SET attribution = (SELECT attribution FROM receipt WHERE seq = 6) WHERE seq = 7");
        assertThat(disagreeing(audit(7))).contains(CheckName.EVIDENCE);

        change("UPDATE trace SET output_ids = prompt_ids WHERE request_id = ?", Fixtures.word("request 1"));
        assertThat(disagreeing(audit(1))).contains(CheckName.TEXT);

        change("UPDATE document SET json = replace(json, 'promptPico', 'promptPico ') WHERE kind = 'price-book'");
        assertThat(disagreeing(audit(9))).contains(CheckName.PRICE);
    }

    @Test
    void audit_documentOrBatchFileExchanged_isFound() throws Exception {
        serve((priced, scorer) -> priced);
        change("UPDATE document SET json = replace(json, '0x', '0x') WHERE kind = 'payees'");
        assertThat(audit(1).agrees()).isTrue();
        change("UPDATE document SET json = '{}' WHERE kind = 'payees'");
        assertThat(disagreeing(audit(1))).containsExactly(CheckName.PRICE);

        try (var files = Files.list(folder.resolve("batches"))) {
            Path batch = files.findFirst().orElseThrow();
            Files.writeString(batch, Files.readString(batch) + "\n");
        }
        assertThat(disagreeing(audit(2))).contains(CheckName.INCLUSION);
    }

    @Test
    void choose_seedAndCount_isRepeatableAndNested() {
        serve((priced, scorer) -> priced);
        try (AttachedLedger ledger = open(database, folder)) {
            AuditRecords records = new AuditRecords(ledger.database(), MeterFixture.IDENTITY.stream());
            List<AuditSample.Candidate> candidates = records.candidates(1);
            assertThat(candidates).hasSize(RECEIPTS + 1);
            List<Long> four = AuditSample.choose(candidates, 7, 4);
            assertThat(four).hasSize(4).isSorted().isEqualTo(AuditSample.choose(candidates.reversed(), 7, 4));
            assertThat(AuditSample.choose(candidates, 7, 6)).containsAll(four);
            assertThat(AuditSample.choose(candidates, 7, 100)).hasSize(RECEIPTS + 1);
            assertThat(LongStream.range(0, 20)
                            .mapToObj(seed -> AuditSample.choose(candidates, seed, 4))
                            .collect(Collectors.toSet()))
                    .hasSizeGreaterThan(5);
            assertThat(records.firstSince(0, RECEIPTS)).isEqualTo(1);
            assertThat(records.firstSince(Long.MAX_VALUE, RECEIPTS)).isEqualTo(RECEIPTS + 1L);
        }
    }
}
