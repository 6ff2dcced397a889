package org.openlora.meter.accounting.period;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.openlora.meter.accounting.TestLedger.DECEMBER;
import static org.openlora.meter.accounting.TestLedger.FIRST_TENANT;
import static org.openlora.meter.accounting.TestLedger.NOVEMBER;
import static org.openlora.meter.accounting.TestLedger.SECOND_TENANT;

import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.openlora.meter.accounting.TestLedger;
import org.openlora.meter.accounting.entries.AccountingException;
import org.openlora.meter.accounting.entries.LedgerEntries;
import org.openlora.meter.accounting.entries.LedgerEntry;
import org.openlora.meter.accounting.entries.Period;
import org.openlora.meter.accounting.entries.PeriodState;
import org.openlora.meter.accounting.reconciliation.Reconciliation;
import org.openlora.meter.accounting.reconciliation.ReconciliationReport;
import org.openlora.meter.accounting.statement.Statement;
import org.openlora.meter.accounting.statement.Statements;
import org.openlora.meter.database.TestDatabase;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evm.Address;
import org.openlora.meter.ledger.AuditEntry;
import org.openlora.meter.ledger.Correction;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.ReceiptKind;
import org.openlora.meter.receipt.SignedReceipt;

/// Months of a real ledger, on both databases.
@ParameterizedClass
@EnumSource(TestDatabase.class)
class PeriodsTest {
    private static final long NEW_YEAR = Instant.parse("2027-01-05T09:00:00Z").toEpochMilli();
    private static final AccountPeriod NOV = new AccountPeriod(FIRST_TENANT, Period.parse("2026-11"));
    private static final AccountPeriod DEC = new AccountPeriod(FIRST_TENANT, Period.parse("2026-12"));
    private static final CloseRequest ALICE = new CloseRequest("alice", "month end", false);
    private static final CloseRequest FORCED = new CloseRequest("alice", "the auditor waits", true);

    private final TestDatabase kind;

    @TempDir
    private Path folder;

    private TestLedger ledger;
    private Periods periods;

    PeriodsTest(TestDatabase kind) {
        this.kind = kind;
    }

    @BeforeEach
    void serve() {
        ledger = TestLedger.open(kind.ledger(folder))
                .serve(3, FIRST_TENANT, NOVEMBER)
                .serve(2, SECOND_TENANT, NOVEMBER)
                .seal();
        periods = new Periods(ledger.database());
    }

    @AfterEach
    void close() {
        ledger.close();
    }

    @Test
    void close_cleanMonth_pinsItsTotalsWhateverComesLater() {
        PeriodTotals pinned = periods.close(NOV, ALICE, reconcile(), NEW_YEAR);
        assertThat(pinned.receipts()).isEqualTo(3);
        assertThat(pinned.grossPico()).isEqualTo(sum(1, 3));
        assertThat(pinned.streams()).singleElement().satisfies(range -> {
            assertThat(range.firstSeq()).isEqualTo(1);
            assertThat(range.lastSeq()).isEqualTo(3);
            assertThat(range.firstBatch()).isEqualTo(1);
            assertThat(range.lastBatch()).isEqualTo(1);
        });
        assertThat(pinned.priceBooks()).containsExactly(TestLedger.priceBook().digest());

        ledger.serve(2, FIRST_TENANT, NOVEMBER).seal();
        assertThat(status(NOV).totals()).isEqualTo(pinned);
        assertThat(status(NOV).state()).isEqualTo(PeriodState.CLOSED);
        assertThat(status(NOV).hasChanged()).isFalse();
        assertThat(status(new AccountPeriod(SECOND_TENANT, NOV.period())).state())
                .isEqualTo(PeriodState.OPEN);
    }

    @Test
    void receiptOfAClosedMonth_isAnAdjustmentInTheNextOpenOne() {
        periods.close(NOV, ALICE, reconcile(), NEW_YEAR);
        ledger.serve(1, FIRST_TENANT, NOVEMBER).serve(1, FIRST_TENANT, DECEMBER).seal();

        PeriodTotals december = status(DEC).totals();
        assertThat(december.receipts()).isEqualTo(2);
        assertThat(december.adjustments()).isEqualTo(1);
        assertThat(december.adjustmentPico()).isEqualTo(sum(6, 6));
        assertThat(december.grossPico()).isEqualTo(sum(6, 7));
        assertThat(entry(6).isPriorPeriod()).isTrue();
        assertThat(entry(6).served()).isEqualTo(NOV.period());

        periods.close(DEC, ALICE, reconcile(), NEW_YEAR);
        ledger.serve(1, FIRST_TENANT, NOVEMBER).seal();
        assertThat(entry(8).booked()).isEqualTo(Period.parse("2027-01"));
        assertThat(status(DEC).totals()).isEqualTo(december);
    }

    @Test
    void close_soft_lateReceiptsStillCountAndShow() {
        PeriodTotals draft = periods.closeSoftly(NOV, ALICE, NEW_YEAR);
        assertThat(status(NOV).hasChanged()).isFalse();
        ledger.serve(1, FIRST_TENANT, NOVEMBER).seal();
        assertThat(status(NOV).state()).isEqualTo(PeriodState.SOFT);
        assertThat(status(NOV).hasChanged()).isTrue();
        assertThat(status(NOV).totals().receipts()).isEqualTo(draft.receipts() + 1);
        assertThat(periods.close(NOV, ALICE, reconcile(), NEW_YEAR).receipts()).isEqualTo(draft.receipts() + 1);
    }

    @Test
    void close_breakInTheLedger_isRefusedUnlessForcedAndLogged() throws Exception {
        try (var files = Files.list(ledger.folder().resolve("batches"))) {
            Files.delete(files.findFirst().orElseThrow());
        }
        ReconciliationReport report = reconcile();
        assertThatThrownBy(() -> periods.close(NOV, ALICE, report, NEW_YEAR))
                .isInstanceOf(AccountingException.class)
                .hasMessageContaining("reconciliation found 1 breaks, the first batch-file-missing: batch 1");
        assertThat(status(NOV).state()).isEqualTo(PeriodState.OPEN);

        periods.close(NOV, FORCED, report, NEW_YEAR);
        assertThat(audit()).last().satisfies(entry -> {
            assertThat(entry.event().kind()).isEqualTo("period-close-forced");
            assertThat(entry.event().actor()).isEqualTo("alice");
            assertThat(entry.event().detail()).contains("the auditor waits").contains("1 breaks");
            assertThat(entry.event().after()).isEqualTo("closed");
        });
    }

    @Test
    void close_somethingWaits_saysWhat() {
        assertThatThrownBy(() -> periods.close(NOV, ALICE, reconcile(), NOVEMBER))
                .hasMessage("2026-11 is not over before 2026-12-01T00:00:00Z: wait, or force it with a reason");
        ledger.serve(1, FIRST_TENANT, NOVEMBER);
        assertThatThrownBy(() -> periods.close(NOV, FORCED, reconcile(), NEW_YEAR))
                .hasMessage("2026-11 holds 1 receipts that stand in no batch: run openlora receipts anchor first");
        ledger.seal();
        ledger.serveUnscorable(NOVEMBER);
        assertThatThrownBy(() -> periods.close(NOV, ALICE, reconcile(), NEW_YEAR))
                .hasMessageContaining("1 requests served in 2026-11 wait for their receipts");
    }

    @Test
    void close_outOfOrderOrTwiceOrEmpty_isRefused() {
        ledger.serve(1, FIRST_TENANT, DECEMBER).seal();
        assertThatThrownBy(() -> periods.close(DEC, ALICE, reconcile(), NEW_YEAR))
                .hasMessageContaining("close 2026-11 first");
        periods.close(NOV, ALICE, reconcile(), NEW_YEAR);
        assertThatThrownBy(() -> periods.close(NOV, ALICE, reconcile(), NEW_YEAR))
                .hasMessageContaining("was closed by alice");
        AccountPeriod empty = new AccountPeriod(FIRST_TENANT, Period.parse("2025-01"));
        assertThatThrownBy(() -> periods.close(empty, ALICE, reconcile(), NEW_YEAR))
                .hasMessageContaining("there is no receipt in 2025-01");
    }

    @Test
    void reopen_closedMonth_takesTwoPeopleAndReverseOrder() {
        ledger.serve(1, FIRST_TENANT, DECEMBER).seal();
        periods.close(NOV, ALICE, reconcile(), NEW_YEAR);
        periods.close(DEC, ALICE, reconcile(), NEW_YEAR);
        assertThatThrownBy(() -> periods.reopen(NOV, "alice", "a mistake", NEW_YEAR))
                .hasMessageContaining("reopen 2026-12 first");

        assertThat(periods.reopen(DEC, "alice", "a mistake", NEW_YEAR)).isFalse();
        assertThat(status(DEC).state()).isEqualTo(PeriodState.CLOSED);
        assertThatThrownBy(() -> periods.reopen(DEC, "alice", "please", NEW_YEAR))
                .hasMessageContaining("a second person must agree");
        assertThat(periods.reopen(DEC, "bob", "agreed", NEW_YEAR)).isTrue();
        assertThat(status(DEC).state()).isEqualTo(PeriodState.OPEN);
        assertThatThrownBy(() -> periods.reopen(DEC, "bob", "agreed", NEW_YEAR)).hasMessageContaining("is open");
        assertThat(audit())
                .extracting(
                        entry -> entry.event().kind() + " by " + entry.event().actor())
                .containsExactly(
                        "period-close by alice",
                        "period-close by alice",
                        "period-reopen-asked by alice",
                        "period-reopen by bob");
        assertThat(ledger.meter().queries().verifyAudit()).isEqualTo(4);
    }

    @Test
    void statements_ofEveryPayee_sumToTheMonth() {
        Receipt corrected = ledger.receipt(1).receipt();
        Payment first = corrected.payments().getFirst();
        ledger.meter()
                .ledger()
                .correct(
                        new Correction(
                                Fixtures.word("credit"),
                                ReceiptKind.CREDIT,
                                ReceiptCodec.structHash(corrected),
                                List.of(new Payment(first.payee(), first.role(), first.source(), 5)),
                                "alice",
                                "too dear"),
                        Duration.ofHours(1),
                        NOVEMBER + 1_000_000);
        ledger.seal();
        Statements statements = new Statements(ledger.database());
        List<Address> payees = ledger.receipts().stream()
                .flatMap(signed -> signed.receipt().payments().stream())
                .map(Payment::payee)
                .distinct()
                .toList();
        BigInteger net = BigInteger.ZERO;
        BigInteger credits = BigInteger.ZERO;
        for (Address payee : payees) {
            Statement statement = statements.ofPayee(payee, NOV.period(), Optional.empty());
            net = net.add(statement.netPico());
            credits = credits.add(statement.creditPico());
        }
        assertThat(net).isEqualTo(sum(1, 5).subtract(BigInteger.valueOf(5)));
        assertThat(credits).isEqualTo(BigInteger.valueOf(5));
        assertThat(reconcile().breaks()).isEmpty();

        Statement tenant = statements.ofAccount(FIRST_TENANT, Optional.of("first"), NOV.period());
        assertThat(tenant.netPico()).isEqualTo(sum(1, 3).subtract(BigInteger.valueOf(5)));
        assertThat(tenant.provisional()).isTrue();
        periods.close(NOV, ALICE, reconcile(), NEW_YEAR);
        Statement closed = statements.ofAccount(FIRST_TENANT, Optional.of("first"), NOV.period());
        assertThat(closed.provisional()).isFalse();
        assertThat(closed.toText())
                .contains("Statement of charges 2026-11", "Generated tokens", Sha256.text(closed.hash()));
        assertThat(closed.toHtml())
                .startsWith("<!doctype html>")
                .contains("Statement of charges 2026-11")
                .doesNotContain("http:", "https:", "src=", "href=");
        assertThatThrownBy(() -> statements.ofAccount(FIRST_TENANT, Optional.empty(), DEC.period()))
                .hasMessageContaining("nothing in 2026-12 concerns account");
    }

    private ReconciliationReport reconcile() {
        return Reconciliation.withoutChain(
                        ledger.database(), ledger.folder(), ledger.operators(), "there is none in this test")
                .run(NOVEMBER + 60_000);
    }

    private PeriodStatus status(AccountPeriod of) {
        return periods.status().stream()
                .filter(status -> status.totals().of().equals(of))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no status of " + of));
    }

    private LedgerEntry entry(long seq) {
        LedgerEntry[] found = new LedgerEntry[1];
        LedgerEntries.of(ledger.database()).forEach(entry -> {
            if (entry.receipt().seq() == seq) {
                found[0] = entry;
            }
        });
        return found[0];
    }

    private List<AuditEntry> audit() {
        return ledger.meter().queries().audit().stream()
                .filter(entry -> entry.event().kind().startsWith("period-"))
                .toList();
    }

    private BigInteger sum(long firstSeq, long lastSeq) {
        return ledger.receipts().stream()
                .map(SignedReceipt::receipt)
                .filter(receipt -> receipt.seq() >= firstSeq && receipt.seq() <= lastSeq)
                .filter(receipt -> receipt.kind() == ReceiptKind.USAGE)
                .map(receipt -> BigInteger.valueOf(receipt.price()))
                .reduce(BigInteger.ZERO, BigInteger::add);
    }
}
