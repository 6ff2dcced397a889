package org.openlora.meter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.openlora.meter.database.TestDatabase;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.AttachedLedger;
import org.openlora.meter.ledger.Correction;
import org.openlora.meter.ledger.CorrectionRefusedException;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.ledger.PayeeTotal;
import org.openlora.meter.ledger.SealedBatch;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.ReceiptKind;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.meter.usage.UsageRow;

@ParameterizedClass
@EnumSource(TestDatabase.class)
class CorrectionTest {
    private static final Duration WINDOW = Duration.ofHours(24);
    private static final long NOW = 1_790_100_000_000L;

    private final TestDatabase database;

    @TempDir
    private Path folder;

    private Meter meter;
    private Receipt billed;
    private Bytes32 ref;

    @SuppressWarnings("NullAway") // before each test
    CorrectionTest(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    void bill() {
        meter = Meter.open(MeterFixture.options(database.ledger(folder)));
        UsageRow row = MeterFixture.row(meter, 10);
        meter.commit(row).join();
        meter.drain(MeterFixture.PATIENCE);
        billed = meter.queries().receiptsOf(row.requestId()).getFirst().receipt();
        ref = ReceiptCodec.structHash(billed);
    }

    @AfterEach
    void close() {
        meter.close();
    }

    private Correction correction(String id, ReceiptKind kind, List<Payment> payments) {
        return new Correction(Fixtures.word(id), kind, ref, payments, "auditor", "tokens that nobody asked for");
    }

    private static List<Payment> half(List<Payment> payments) {
        return payments.stream()
                .filter(payment -> payment.amount() > 1)
                .map(payment -> new Payment(payment.payee(), payment.role(), payment.source(), payment.amount() / 2))
                .toList();
    }

    private BigInteger total() {
        return meter.queries().totals().stream().map(PayeeTotal::amountPico).reduce(BigInteger.ZERO, BigInteger::add);
    }

    @Test
    void correct_credit_isAReceiptOfItsOwnAndLowersTheTotals() {
        List<Payment> back = half(billed.payments());
        SignedReceipt credit = meter.ledger().correct(correction("credit", ReceiptKind.CREDIT, back), WINDOW, NOW);

        assertThat(credit.isSignedBy(MeterFixture.operator())).isTrue();
        assertThat(credit.receipt().kind()).isEqualTo(ReceiptKind.CREDIT);
        assertThat(credit.receipt().ref()).isEqualTo(ref);
        assertThat(credit.receipt().seq()).isEqualTo(2);
        assertThat(credit.receipt().servedTo()).isEqualTo(NOW);
        assertThat(credit.receipt().generatedTokens()).isZero();
        assertThat(total())
                .isEqualTo(BigInteger.valueOf(billed.price() - credit.receipt().price()));
        assertThat(meter.queries().correctionsOf(ref)).containsExactly(credit);
        assertThat(meter.queries().paymentsLeft(ref).stream()
                        .mapToLong(Payment::amount)
                        .sum())
                .isEqualTo(billed.price() - credit.receipt().price());
        assertThat(meter.queries().attribution(2)).isEmpty();
        assertThat(meter.queries().verify(MeterFixture.operator())).isEqualTo(2);
        assertThat(meter.queries().audit()).singleElement().satisfies(entry -> {
            assertThat(entry.event().kind()).isEqualTo("credit");
            assertThat(entry.event().actor()).isEqualTo("auditor");
            assertThat(entry.event().detail()).contains("tokens that nobody asked for");
        });
        assertThat(meter.queries().verifyAudit()).isEqualTo(1);
        SealedBatch batch = meter.seal().orElseThrow();
        assertThat(batch.header().creditTotal())
                .isEqualTo(BigInteger.valueOf(credit.receipt().price()));
        assertThat(batch.header().gross()).isEqualTo(BigInteger.valueOf(billed.price()));
    }

    @Test
    void correct_sameAgain_givesTheFirstReceiptAndDoesNothing() {
        Correction correction = correction("credit", ReceiptKind.CREDIT, billed.payments());
        SignedReceipt first = meter.ledger().correct(correction, WINDOW, NOW);
        assertThat(meter.ledger().correct(correction, WINDOW, NOW + 1)).isEqualTo(first);
        assertThat(total()).isEqualTo(BigInteger.ZERO);
        assertThat(meter.queries().audit()).hasSize(1);
        assertThat(meter.queries().lastSeq()).isEqualTo(2);
    }

    @Test
    void correct_sameIdOtherContent_isRefusedAndAudited() {
        meter.ledger().correct(correction("credit", ReceiptKind.CREDIT, half(billed.payments())), WINDOW, NOW);
        assertThatThrownBy(() -> meter.ledger()
                        .correct(correction("credit", ReceiptKind.DEBIT, half(billed.payments())), WINDOW, NOW))
                .isInstanceOf(CorrectionRefusedException.class)
                .hasMessageContaining("its id stands for another correction");
        assertThat(meter.queries().lastSeq()).isEqualTo(2);
        assertThat(meter.queries().audit().getLast().event().kind()).isEqualTo("correction-refused");
        assertThat(meter.queries().verifyAudit()).isEqualTo(2);
    }

    @Test
    void correct_moreThanIsLeft_isRefusedUntilADebitAddsToIt() {
        meter.ledger().correct(correction("first", ReceiptKind.CREDIT, billed.payments()), WINDOW, NOW);
        Payment one = billed.payments().getFirst();
        Payment unit = new Payment(one.payee(), one.role(), one.source(), 1);
        Correction second = correction("second", ReceiptKind.CREDIT, List.of(unit));
        assertThatThrownBy(() -> meter.ledger().correct(second, WINDOW, NOW))
                .isInstanceOf(CorrectionRefusedException.class)
                .hasMessageContaining("has 0 pico-units left, not 1");
        meter.ledger().correct(correction("debit", ReceiptKind.DEBIT, List.of(unit)), WINDOW, NOW);
        meter.ledger().correct(second, WINDOW, NOW);
        assertThat(total()).isEqualTo(BigInteger.ZERO);
        assertThat(meter.queries().verify(MeterFixture.operator())).isEqualTo(4);
    }

    @Test
    void correct_unknownReceiptOrCorrection_isRefused() {
        SignedReceipt credit =
                meter.ledger().correct(correction("credit", ReceiptKind.CREDIT, billed.payments()), WINDOW, NOW);
        Correction ofUnknown = new Correction(
                Fixtures.word("a"), ReceiptKind.CREDIT, Fixtures.word("?"), billed.payments(), "auditor", "why");
        assertThatThrownBy(() -> meter.ledger().correct(ofUnknown, WINDOW, NOW))
                .hasMessageContaining("the ledger has no such receipt");
        Correction ofCredit = new Correction(
                Fixtures.word("b"),
                ReceiptKind.CREDIT,
                ReceiptCodec.structHash(credit.receipt()),
                billed.payments(),
                "auditor",
                "why");
        assertThatThrownBy(() -> meter.ledger().correct(ofCredit, WINDOW, NOW))
                .hasMessageContaining("it is a correction itself");
    }

    @Test
    void correct_manyAtOnceBesideTheOwner_takesBackNoMoreThanThereIs() throws Exception {
        int attempts = 6;
        try (AttachedLedger beside = Ledger.attach(database.ledger(folder), MeterFixture.IDENTITY);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Integer>> results = IntStream.range(0, attempts)
                    .mapToObj(i -> threads.submit(() -> {
                        AttachedLedger ledger = i % 2 == 0 ? beside : meter.ledger();
                        meter.commit(MeterFixture.row(meter, 100 + i)).join();
                        try {
                            ledger.correct(
                                    correction("credit " + i, ReceiptKind.CREDIT, billed.payments()), WINDOW, NOW);
                            return 1;
                        } catch (CorrectionRefusedException e) {
                            return 0;
                        }
                    }))
                    .toList();
            int taken = 0;
            for (Future<Integer> result : results) {
                taken += result.get();
            }
            assertThat(taken).isEqualTo(1);
        }
        meter.drain(MeterFixture.PATIENCE);
        assertThat(meter.queries().verify(MeterFixture.operator())).isEqualTo(attempts + 2);
        assertThat(meter.queries().paymentsLeft(ref)).allMatch(payment -> payment.amount() == 0);
    }
}
