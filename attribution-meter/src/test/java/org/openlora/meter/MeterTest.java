package org.openlora.meter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.openlora.meter.chain.AttemptJournal;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.database.TestDatabase;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.ledger.LedgerJournal;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.ledger.PayeeTotal;
import org.openlora.meter.ledger.SealedBatch;
import org.openlora.meter.ledger.UsageConflictException;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.Role;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.meter.receipt.UsageAcknowledgement;
import org.openlora.meter.usage.ScoringVersions;
import org.openlora.meter.usage.UsageRow;

@ParameterizedClass
@EnumSource(TestDatabase.class)
class MeterTest {
    private final TestDatabase database;

    @TempDir
    private Path folder;

    MeterTest(TestDatabase database) {
        this.database = database;
    }

    private LedgerLocation ledger() {
        return database.ledger(folder);
    }

    @Test
    void commit_manyVirtualThreads_everyRowHasItsReceiptAndMoneyIsConserved() throws Exception {
        final int requests = 300;
        try (Meter meter = Meter.open(MeterFixture.options(ledger()))) {
            List<UsageRow> rows = new ArrayList<>();
            for (int i = 0; i < requests; i++) {
                rows.add(MeterFixture.row(meter, i));
            }
            List<Future<SignedAcknowledgement>> acknowledgements = new ArrayList<>();
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                for (UsageRow row : rows) {
                    acknowledgements.add(threads.submit(() -> meter.commit(row).join()));
                }
            }
            meter.drain(MeterFixture.PATIENCE);

            assertThat(meter.queries().quarantined()).isEmpty();
            assertThat(meter.queries().verify(MeterFixture.operator())).isEqualTo(requests);
            BigInteger paid = BigInteger.ZERO;
            for (int i = 0; i < requests; i++) {
                UsageRow row = rows.get(i);
                List<SignedReceipt> receipts = meter.queries().receiptsOf(row.requestId());
                assertThat(receipts).hasSize(1);
                Receipt receipt = receipts.getFirst().receipt();
                assertThat(receipt.generatedTokens()).isEqualTo(row.output().size());
                assertThat(receipt.promptTokens()).isEqualTo(row.prompt().size());
                assertThat(acknowledgements.get(i).get().acknowledgement()).isEqualTo(UsageAcknowledgement.of(receipt));
                assertThat(acknowledgements.get(i).get().signer()).contains(MeterFixture.operator());
                AttributionRecord attribution =
                        meter.queries().attribution(receipt.seq()).orElseThrow();
                assertThat(attribution.hash()).isEqualTo(receipt.attribution());
                assertThat(attribution.owners()).hasSize(row.output().size());
                paid = paid.add(BigInteger.valueOf(receipt.price()));
            }
            assertThat(sum(meter)).isEqualTo(paid).isPositive();
            assertThat(meter.scoringCost().rows()).isEqualTo(requests);
            assertThat(meter.scoringCost().cpuNanos()).isPositive();
        }
    }

    @Test
    void commit_sameRowAgain_givesTheSameAcknowledgementAndOneReceipt() {
        try (Meter meter = Meter.open(MeterFixture.options(ledger()))) {
            UsageRow row = MeterFixture.row(meter, 1);
            SignedAcknowledgement first = meter.commit(row).join();
            CompletableFuture<SignedAcknowledgement> again = meter.commit(row);
            CompletableFuture<SignedAcknowledgement> andAgain = meter.commit(row);
            assertThat(again.join()).isEqualTo(first);
            assertThat(andAgain.join()).isEqualTo(first);
            meter.drain(MeterFixture.PATIENCE);
            assertThat(meter.commit(row).join()).isEqualTo(first);
            meter.drain(MeterFixture.PATIENCE);
            assertThat(meter.queries().lastSeq()).isEqualTo(1);
        }
    }

    @Test
    void commit_sameIdOtherContent_isRefusedAndAudited() {
        try (Meter meter = Meter.open(MeterFixture.options(ledger()))) {
            UsageRow row = MeterFixture.row(meter, 1);
            UsageRow changed =
                    Fixtures.row("request 1", row.adapters(), row.prompt().toArray(), new int[] {1}, 0, row.versions());
            meter.commit(row).join();
            assertThatThrownBy(() -> meter.commit(changed).join())
                    .isInstanceOf(CompletionException.class)
                    .hasCauseInstanceOf(UsageConflictException.class)
                    .hasMessageContaining("was committed before with another content");
            meter.drain(MeterFixture.PATIENCE);
            assertThat(meter.queries().lastSeq()).isEqualTo(1);
            assertThat(meter.queries().audit()).singleElement().satisfies(entry -> {
                assertThat(entry.event().kind()).isEqualTo("usage-conflict");
                assertThat(entry.event().subject()).isEqualTo(row.requestId());
            });
        }
    }

    @Test
    void drain_unscorableRow_isQuarantinedAndHoldsNobodyUp() {
        UsageRow poisoned;
        try (Meter meter = Meter.open(MeterFixture.options(ledger()))) {
            UsageRow good = MeterFixture.row(meter, 1);
            ScoringVersions versions = good.versions();
            poisoned = Fixtures.row(
                    "poison",
                    good.adapters(),
                    new int[] {1},
                    new int[] {2},
                    0,
                    new ScoringVersions(
                            versions.scorer(),
                            List.of(Fixtures.word("gone")),
                            versions.payees(),
                            versions.priceBook()));
            UsageRow otherScorer = Fixtures.row(
                    "other scorer",
                    good.adapters(),
                    new int[] {1},
                    new int[] {2},
                    0,
                    new ScoringVersions(Fixtures.word("old"), List.of(), versions.payees(), versions.priceBook()));
            UsageRow otherBook = Fixtures.row(
                    "other book",
                    good.adapters(),
                    new int[] {1},
                    new int[] {2},
                    0,
                    new ScoringVersions(
                            versions.scorer(), versions.datanets(), versions.payees(), Fixtures.word("no book")));
            meter.commit(poisoned).join();
            meter.commit(otherScorer).join();
            meter.commit(otherBook).join();
            meter.commit(good).join();
            meter.drain(MeterFixture.PATIENCE);

            assertThat(meter.queries().receiptsOf(good.requestId())).hasSize(1);
            assertThat(meter.queries().quarantined()).hasSize(3);
            assertThat(meter.queries().quarantined().get(0).reason())
                    .contains("was registered when the request was served");
            assertThat(meter.queries().quarantined().get(1).reason()).contains("is not known to this program");
            assertThat(meter.queries().quarantined().get(2).reason()).contains("keeps no price-book");
            assertThat(meter.releaseQuarantined()).isEqualTo(3);
            meter.drain(MeterFixture.PATIENCE);
            assertThat(meter.queries().quarantined()).hasSize(3);
            assertThat(meter.queries().audit()).hasSize(3);
            assertThat(meter.queries().verifyAudit()).isEqualTo(3);
        }
    }

    @Test
    void releaseQuarantined_tokenizerLoadedSince_scoresTheRow() {
        MeterOptions options = MeterFixture.options(ledger());
        MeterOptions without = new MeterOptions(
                ledger(), options.identity(), options.datanets(), Map.of(), options.priceBook(), Duration.ofHours(1));
        try (Meter meter = Meter.open(without)) {
            meter.commit(MeterFixture.row(meter, 1)).join();
            meter.drain(MeterFixture.PATIENCE);
            assertThat(meter.queries().quarantined()).singleElement().satisfies(row -> assertThat(row.reason())
                    .contains("is not loaded"));
        }
        try (Meter meter = Meter.open(options)) {
            assertThat(meter.releaseQuarantined()).isEqualTo(1);
            meter.drain(MeterFixture.PATIENCE);
            assertThat(meter.queries().lastSeq()).isEqualTo(1);
        }
    }

    @Test
    void seal_twice_givesLinkedBatchesWithProofs() throws IOException {
        try (Meter meter = Meter.open(MeterFixture.options(ledger()))) {
            assertThat(meter.seal()).isEmpty();
            commit(meter, 0, 7);
            SealedBatch first = meter.seal().orElseThrow();
            assertThat(meter.seal()).isEmpty();
            commit(meter, 7, 12);
            SealedBatch second = meter.seal().orElseThrow();

            assertThat(first.header().count()).isEqualTo(7);
            assertThat(first.previousHead()).isEqualTo(Bytes32.ZERO);
            assertThat(second.header().firstSeq()).isEqualTo(8);
            assertThat(second.previousHead()).isEqualTo(first.head());
            assertThat(second.header().number()).isEqualTo(2);
            for (SealedBatch batch : List.of(first, second)) {
                assertThat(meter.batch(batch.header().number())).contains(batch);
                assertThat(Keccak256.hash(Files.readAllBytes(batch.file())))
                        .isEqualTo(batch.header().dataHash());
                for (SignedReceipt signed : batch.receipts()) {
                    long seq = signed.receipt().seq();
                    assertThat(batch.proof(seq).verify(batch.header().root(), ReceiptCodec.leaf(signed.receipt())))
                            .isTrue();
                    assertThat(meter.queries().batchOf(seq))
                            .contains(batch.header().number());
                }
            }
            List<String> lines = Files.readAllLines(first.file());
            assertThat(lines).hasSize(7);
            assertThat(SignedReceipt.fromJson(lines.get(3).getBytes(java.nio.charset.StandardCharsets.UTF_8)))
                    .isEqualTo(meter.queries().receipt(4).orElseThrow());
            assertThatThrownBy(() -> first.proof(8)).hasMessage("receipt 8 is not in batch 1, which holds 1 to 7");
        }
    }

    @Test
    void open_secondTime_isRefusedWhileTheFirstIsOpen() {
        Meter meter = Meter.open(MeterFixture.options(ledger()));
        assertThatThrownBy(() -> Meter.open(MeterFixture.options(ledger())))
                .isInstanceOf(LedgerException.class)
                .hasMessageContaining("is in use by another process");
        meter.close();
        Meter.open(MeterFixture.options(ledger())).close();
    }

    @Test
    void commit_afterClose_isRefused() {
        Meter meter = Meter.open(MeterFixture.options(ledger()));
        UsageRow row = MeterFixture.row(meter, 1);
        meter.close();
        assertThatThrownBy(() -> meter.commit(row)).hasMessage("the meter is closed");
    }

    @Test
    void register_later_keepsTheOrderOfRegistration() {
        MeterOptions options = MeterFixture.options(ledger());
        MeterOptions secondOnly = new MeterOptions(
                ledger(),
                options.identity(),
                new DatanetOptions(
                        options.datanets().rows(),
                        options.datanets().indices(),
                        registry -> registry.register(MeterFixture.datanets().get(1))),
                options.encoders(),
                options.priceBook(),
                Duration.ofHours(1));
        List<Bytes32> expected = List.of(
                MeterFixture.datanets().get(1).digest(),
                MeterFixture.datanets().get(0).digest());
        try (Meter meter = Meter.open(secondOnly)) {
            meter.register(MeterFixture.datanets().get(0));
            assertThat(meter.versionsFor(MeterFixture.row(meter, 10).adapters()).datanets())
                    .isEqualTo(expected);
        }
        try (Meter meter = Meter.open(options)) {
            assertThat(meter.versionsFor(MeterFixture.row(meter, 10).adapters()).datanets())
                    .isEqualTo(expected);
        }
    }

    @Test
    void retire_datanet_goesToTheTreasuryFromThenOn() {
        try (Meter meter = Meter.open(MeterFixture.options(ledger()))) {
            UsageRow before = MeterFixture.row(meter, 10);
            Bytes32 retired = MeterFixture.datanets().get(1).digest();
            assertThat(before.versions().datanets()).contains(retired);
            meter.datanets().retire(retired, "alice", "consent was withdrawn");
            meter.refreshDatanets();
            UsageRow after = MeterFixture.row(meter, 20);
            assertThat(after.versions().datanets()).doesNotContain(retired).hasSize(1);
            meter.commit(before).join();
            meter.commit(after).join();
            meter.drain(MeterFixture.PATIENCE);
            assertThat(payeesOf(meter, before)).contains(Role.DATANET_POOL);
            Receipt receipt = meter.queries()
                    .receiptsOf(after.requestId())
                    .getFirst()
                    .receipt();
            assertThat(receipt.payments()).noneMatch(payment -> payment.role() == Role.DATANET_POOL
                    && payment.source().equals(retired));
            assertThat(receipt.payments()).anyMatch(payment -> payment.role() == Role.TREASURY
                    && payment.source().equals(retired));
        }
    }

    private static List<Role> payeesOf(Meter meter, UsageRow row) {
        return meter.queries().receiptsOf(row.requestId()).getFirst().receipt().payments().stream()
                .filter(payment -> payment.source().equals(MeterFixture.datanets().get(1).digest()))
                .map(Payment::role)
                .toList();
    }

    @Test
    void journal_reopened_remembersEverything() {
        var attempt = new AttemptJournal.Attempt(
                1, 5, Fixtures.word("tx"), "0x02", BigInteger.TEN, BigInteger.TWO.pow(90), 123);
        var chain = new AttemptJournal.ChainIdentity(31_337, Fixtures.word("code"));
        try (Meter meter = Meter.open(MeterFixture.options(ledger()))) {
            LedgerJournal journal = meter.journal();
            assertThat(journal.identity()).isEmpty();
            journal.bind(chain);
            journal.recordAttempt(attempt);
            journal.recordLanded(1, attempt.transactionHash());
            journal.recordLanded(2, Fixtures.word("tx 2"));
            journal.recordLanded(1, Bytes32.ZERO);
            journal.recordFinal(1);
            journal.recordFinal(0);
        }
        try (Meter meter = Meter.open(MeterFixture.options(ledger()))) {
            LedgerJournal journal = meter.journal();
            assertThat(journal.identity()).contains(chain);
            journal.bind(chain);
            assertThat(journal.attempts(1)).containsExactly(attempt);
            assertThat(journal.attempts(2)).isEmpty();
            assertThat(journal.landedNumber()).isEqualTo(1);
            assertThat(journal.landedTransaction(1)).contains(attempt.transactionHash());
            assertThat(journal.landedTransaction(2)).isEmpty();
            assertThat(journal.finalNumber()).isEqualTo(1);
            assertThatThrownBy(() -> journal.bind(new AttemptJournal.ChainIdentity(1, Bytes32.ZERO)))
                    .isInstanceOf(LedgerException.class);
        }
    }

    private static void commit(Meter meter, int from, int to) {
        for (int i = from; i < to; i++) {
            meter.commit(MeterFixture.row(meter, i)).join();
        }
        meter.drain(MeterFixture.PATIENCE);
    }

    private static BigInteger sum(Meter meter) {
        BigInteger fromPayments = BigInteger.ZERO;
        for (SignedReceipt signed : meter.queries().receipts(1, Integer.MAX_VALUE)) {
            for (Payment payment : signed.receipt().payments()) {
                fromPayments = fromPayments.add(BigInteger.valueOf(payment.amount()));
            }
        }
        BigInteger total =
                meter.queries().totals().stream().map(PayeeTotal::amountPico).reduce(BigInteger.ZERO, BigInteger::add);
        assertThat(total).isEqualTo(fromPayments);
        return total;
    }
}
