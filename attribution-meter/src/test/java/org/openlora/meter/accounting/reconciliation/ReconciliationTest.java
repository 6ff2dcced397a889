package org.openlora.meter.accounting.reconciliation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.openlora.meter.accounting.TestLedger.FIRST_TENANT;
import static org.openlora.meter.accounting.TestLedger.NOVEMBER;
import static org.openlora.meter.accounting.TestLedger.SECOND_TENANT;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.accounting.TestLedger;
import org.openlora.meter.chain.BatchHeader;
import org.openlora.meter.database.Database;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.ledger.AuditEvent;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.ledger.SealedBatch;
import org.openlora.meter.pricing.PriceBook;
import org.openlora.meter.pricing.PriceBooks;
import org.openlora.meter.receipt.OperatorKey;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.ReceiptKind;
import org.openlora.meter.receipt.SignedReceipt;

/// Plants one break after the other in a real ledger, by the tables and files themselves, and asks for its name. Three
/// batches of ten receipts, all of them on the chain, and four receipts in no batch yet.
class ReconciliationTest {
    private static final long SOON = NOVEMBER + 60_000;
    private static final long LATE = NOVEMBER + 2 * 86_400_000L;

    @TempDir
    private Path folder;

    private TestLedger ledger;
    private FakeChain chain = new FakeChain();

    @BeforeEach
    void serve() {
        ledger = TestLedger.open(LedgerLocation.of(folder));
        for (int batch = 1; batch <= 3; batch++) {
            ledger.serve(5, FIRST_TENANT, NOVEMBER)
                    .serve(5, SECOND_TENANT, NOVEMBER)
                    .seal();
            chain.commit(header(batch));
            ledger.meter().journal().recordLanded(batch, Keccak256.hash("transaction " + batch));
        }
        ledger.serve(4, FIRST_TENANT, NOVEMBER).withoutGuards();
    }

    @AfterEach
    void close() {
        ledger.close();
    }

    @Test
    void nothingPlanted_isCleanAndCountsEverything() {
        ReconciliationReport report = reconcile(SOON);
        assertThat(report.breaks()).isEmpty();
        assertThat(report.isClean()).isTrue();
        assertThat(report.chainUnchecked()).isEmpty();
        assertThat(report.scope().receipts()).isEqualTo(34);
        assertThat(report.scope().batches()).isEqualTo(3);
        assertThat(report.scope().batchesOnChain()).isEqualTo(3);
        assertThat(report.scope().events()).isEqualTo(3);
        assertThat(report.scope().payments())
                .isEqualTo(ledger.receipts().stream()
                        .mapToLong(signed -> signed.receipt().payments().size())
                        .sum());
        assertThat(report.scope().grossPico())
                .isEqualTo(ledger.receipts().stream()
                        .map(signed -> BigInteger.valueOf(signed.receipt().price()))
                        .reduce(BigInteger.ZERO, BigInteger::add));
        assertThat(report.pending()).isEqualTo(new ReconciliationReport.Pending(0, 4, 0));
    }

    @Test
    void logsDeliveredTwice_isClean() {
        chain.deliverTwice();
        assertThat(reconcile(SOON).breaks()).isEmpty();
        assertThat(reconcile(SOON).scope().events()).isEqualTo(3);
    }

    @Test
    void withoutChain_saysWhyAndChecksTheRest() {
        deleteReceipt(33);
        ReconciliationReport report = Reconciliation.withoutChain(
                        ledger.database(), ledger.folder(), ledger.operators(), "anvil is not installed")
                .run(SOON);
        assertThat(report.chainUnchecked()).contains("anvil is not installed");
        assertOnly(report, BreakKind.RECEIPT_MISSING, "receipt 33");
    }

    // ---- receipts ----------------------------------------------------------------------------------------

    @Test
    void receiptDeleted_isMissing() {
        Bytes32 request = ledger.receipt(5).receipt().requestId();
        deleteReceipt(5);
        Break found = assertOnly(reconcile(SOON), BreakKind.RECEIPT_MISSING, "receipt 5");
        assertThat(found.subject().requestId()).contains(request);
        assertThat(found.expected()).isEqualTo("the receipt of request " + request);
    }

    @Test
    void lastReceiptDeleted_isMissingByItsRequest() {
        Bytes32 request = ledger.receipt(34).receipt().requestId();
        deleteReceipt(34);
        assertOnly(reconcile(SOON), BreakKind.RECEIPT_MISSING, "request " + request);
    }

    @Test
    void requestBilledAgain_isDoubled() {
        SignedReceipt last = ledger.receipt(34);
        Receipt again = copy(
                last.receipt(),
                35,
                ReceiptCodec.structHash(last.receipt()),
                last.receipt().price());
        insert(sign(again, TestLedger.KEY));
        Break found = assertOnly(reconcile(SOON), BreakKind.RECEIPT_DOUBLED, "receipt 35");
        assertThat(found.expected()).isEqualTo("one receipt for the request, which is receipt 34");
    }

    @Test
    void signedBytesChanged_isAltered() {
        SignedReceipt signed = ledger.receipt(7);
        String json = new String(signed.toJson(), StandardCharsets.UTF_8);
        int generated = signed.receipt().generatedTokens();
        ledger.tamper(
                "UPDATE receipt SET signed = ? WHERE seq = 7",
                json.replace("\"generatedTokens\":" + generated, "\"generatedTokens\":" + (generated + 1))
                        .getBytes(StandardCharsets.UTF_8));
        Break found = assertOnly(reconcile(SOON), BreakKind.RECEIPT_ALTERED, "receipt 7");
        assertThat(found.expected()).isEqualTo("a receipt of hash " + ReceiptCodec.structHash(signed.receipt()));
    }

    @Test
    void signedBytesGarbled_isAltered() {
        ledger.tamper("UPDATE receipt SET signed = ? WHERE seq = 7", "{}".getBytes(StandardCharsets.UTF_8));
        assertOnly(reconcile(SOON), BreakKind.RECEIPT_ALTERED, "receipt 7");
    }

    @Test
    void signedBySomebodyElse_isAltered() {
        OperatorKey stranger = OperatorKey.ofHex(Keccak256.hash("stranger").toString());
        ledger.tamper(
                "UPDATE receipt SET signed = ? WHERE seq = 34",
                sign(ledger.receipt(34).receipt(), stranger).toJson());
        Break found = assertOnly(reconcile(SOON), BreakKind.RECEIPT_ALTERED, "receipt 34");
        assertThat(found.found()).contains(stranger.address().toString());
    }

    @Test
    void lastReceiptSignedAgainOnAnotherLink_isBroken() {
        replace(34, receipt -> copy(receipt, 34, Fixtures.word("elsewhere"), receipt.price()));
        Break found = assertOnly(reconcile(SOON), BreakKind.LINK_BROKEN, "receipt 34");
        assertThat(found.expected())
                .contains(ReceiptCodec.structHash(ledger.receipt(33).receipt()).toString());
    }

    @Test
    void paymentRowChanged_isAltered() {
        Payment payment = ledger.receipt(12).receipt().payments().getFirst();
        ledger.tamper(
                "UPDATE payment SET amount = amount + 1 WHERE seq = 12 AND role = ? AND source = ? AND payee = ?",
                payment.role().code(),
                payment.source(),
                payment.payee());
        Break found = assertOnly(reconcile(SOON), BreakKind.PAYMENTS_ALTERED, "receipt 12");
        assertThat(found.expected()).startsWith(payment.amount() + " to " + payment.payee());
        assertThat(found.found()).startsWith((payment.amount() + 1) + " to " + payment.payee());
    }

    @Test
    void paymentRowDeleted_isAltered() {
        Payment payment = ledger.receipt(12).receipt().payments().getFirst();
        ledger.tamper(
                "DELETE FROM payment WHERE seq = 12 AND role = ? AND source = ? AND payee = ?",
                payment.role().code(),
                payment.source(),
                payment.payee());
        Break found = assertOnly(reconcile(SOON), BreakKind.PAYMENTS_ALTERED, "receipt 12");
        assertThat(found.found()).isEqualTo("nothing in its place");
    }

    @Test
    void attributionRecordOfAnother_isAltered() {
        ledger.tamper("UPDATE receipt SET attribution = (SELECT attribution FROM receipt WHERE seq = 2) WHERE seq = 1");
        assertOnly(reconcile(SOON), BreakKind.ATTRIBUTION_ALTERED, "receipt 1");
    }

    @Test
    void usageDeleted_isMissing() {
        withoutForeignKeys("DELETE FROM usage WHERE id = (SELECT usage_id FROM receipt WHERE seq = 20)");
        assertOnly(reconcile(SOON), BreakKind.USAGE_MISSING, "receipt 20");
    }

    @Test
    void acknowledgementOfOtherCounts_isABrokenPromise() {
        ledger.tamper(
                "UPDATE usage SET acknowledgement = (SELECT acknowledgement FROM usage WHERE id = 2) WHERE id = 1");
        assertOnly(reconcile(SOON), BreakKind.PROMISE_BROKEN, "receipt 1");
    }

    @Test
    void requestWithoutReceipt_isPendingThenOverdue() {
        Bytes32 request = ledger.serveUnscorable(NOVEMBER);
        assertThat(reconcile(SOON).breaks()).isEmpty();
        assertThat(reconcile(SOON).pending().usage()).isEqualTo(1);
        ledger.seal();
        chain.commit(header(4));
        Break found = assertOnly(reconcile(LATE), BreakKind.RECEIPT_OVERDUE, "request " + request);
        assertThat(found.sinceMillis()).isPresent();
        assertThat(found.found()).contains("quarantined").contains("is not loaded");
    }

    // ---- prices ------------------------------------------------------------------------------------------

    @Test
    void pricedByAnotherBook_isTheWrongPriceBook() throws IOException {
        PriceBook other = PriceBook.parse(
                "other book",
                Files.readString(Path.of(System.getProperty("openlora.root", ".."), "config", "pricebook.yaml"))
                        .replace("openlora-development", "another-book"));
        ledger.database()
                .write(connection -> Database.update(
                        connection,
                        "INSERT INTO document (digest, kind, json) VALUES (?, 'price-book', ?)",
                        other.digest(),
                        other.json()));
        replace(34, receipt -> withBook(receipt, other.digest()));
        Break found = assertOnly(reconcile(SOON), BreakKind.PRICE_BOOK_WRONG, "receipt 34");
        assertThat(found.expected()).contains("openlora-development");
        assertThat(found.found()).contains("another-book");
    }

    @Test
    void priceOtherThanTheBooks_isWrong() {
        long price = ledger.receipt(34).receipt().price();
        replace(34, receipt -> copy(receipt, 34, receipt.prevReceipt(), price + 1));
        Break found = assertOnly(reconcile(SOON), BreakKind.PRICE_WRONG, "receipt 34");
        assertThat(found.expected()).startsWith(price + " pico-units");
        assertThat(found.found()).isEqualTo((price + 1) + " pico-units");
    }

    @Test
    void priceBookDeleted_isMissingForEveryReceipt() {
        ledger.tamper("DELETE FROM price_schedule");
        ledger.tamper("DELETE FROM document WHERE kind = 'price-book'");
        ReconciliationReport report = reconcile(SOON);
        assertThat(report.breaks()).hasSize(34).allSatisfy(item -> assertThat(item.kind())
                .isEqualTo(BreakKind.PRICE_BOOK_MISSING));
    }

    @Test
    void bookOfTheScheduleNotUsed_isWrongForEveryReceipt() throws IOException {
        Path file = Path.of(System.getProperty("openlora.root", ".."), "config", "pricebook.yaml");
        PriceBook other = PriceBook.parse("other", Files.readString(file).replace("2026-01-01", "2026-02-01"));
        long february = Instant.parse("2026-02-01T00:00:00Z").toEpochMilli();
        PriceBooks.of(ledger.database()).register(other, february, "somebody who says so afterwards");
        ReconciliationReport report = reconcile(SOON);
        assertThat(report.breaks()).hasSize(34).allSatisfy(item -> assertThat(item.kind())
                .isEqualTo(BreakKind.PRICE_BOOK_WRONG));
    }

    // ---- corrections -------------------------------------------------------------------------------------

    @Test
    void creditOfNoReceipt_isUnfounded() {
        insert(sign(correction(Fixtures.word("no receipt"), 1), TestLedger.KEY));
        assertOnly(reconcile(SOON), BreakKind.CORRECTION_UNFOUNDED, "receipt 35");
    }

    @Test
    void creditBeyondThePrice_exceeds() {
        Receipt corrected = ledger.receipt(3).receipt();
        insert(sign(correction(ReceiptCodec.structHash(corrected), corrected.price() + 1), TestLedger.KEY));
        assertOnly(reconcile(SOON), BreakKind.CORRECTION_EXCEEDS, "receipt 35");
    }

    @Test
    void auditEntryChanged_isBroken() {
        ledger.meter()
                .ledger()
                .log(new AuditEvent(NOVEMBER, "test", "alice", "", Bytes32.ZERO, "what was done", "", ""));
        ledger.tamper("UPDATE audit SET actor = 'bob' WHERE actor = 'alice'");
        assertOnly(reconcile(SOON), BreakKind.AUDIT_BROKEN, "the ledger");
    }

    // ---- batches -----------------------------------------------------------------------------------------

    @Test
    void batchFileChanged_isAlteredAtTheReceipt() throws IOException {
        Path file = batch(2).file();
        List<String> lines = Files.readAllLines(file);
        lines.set(3, lines.get(3).replace("\"kind\":1", "\"kind\":2"));
        Files.write(file, lines);
        Break found = assertOnly(reconcile(SOON), BreakKind.BATCH_FILE_ALTERED, "batch 2");
        assertThat(found.found()).endsWith("first different at receipt 14");
    }

    @Test
    void batchFileDeleted_isMissing() throws IOException {
        Files.delete(batch(2).file());
        assertOnly(reconcile(SOON), BreakKind.BATCH_FILE_MISSING, "batch 2");
    }

    @Test
    void batchRowDeleted_isMissing() {
        ledger.tamper("DELETE FROM batch WHERE number = 2");
        assertThat(reconcile(SOON).breaks())
                .extracting(Break::kind)
                .contains(BreakKind.BATCH_MISSING)
                .isSubsetOf(BreakKind.BATCH_MISSING, BreakKind.CHAIN_AHEAD);
    }

    @Test
    void batchRootChanged_isWrong() {
        ledger.tamper("UPDATE batch SET root = ? WHERE number = 2", Fixtures.word("another root"));
        assertOnly(reconcile(SOON), BreakKind.BATCH_ROOT_WRONG, "batch 2");
    }

    @Test
    void batchHeadChanged_isWrong() {
        ledger.tamper("UPDATE batch SET head = ? WHERE number = 3", Fixtures.word("another head"));
        assertOnly(reconcile(SOON), BreakKind.BATCH_HEAD_WRONG, "batch 3");
    }

    @Test
    void receiptMovedToAnotherBatch_isWrong() {
        ledger.tamper("UPDATE receipt SET batch = 1 WHERE seq = 15");
        assertOnly(reconcile(SOON), BreakKind.BATCH_MEMBERSHIP_WRONG, "receipt 15");
    }

    @Test
    void receiptsNeverSealed_areOverdue() {
        assertThat(reconcile(LATE).breaks()).hasSize(4).allSatisfy(item -> {
            assertThat(item.kind()).isEqualTo(BreakKind.BATCH_OVERDUE);
            assertThat(item.sinceMillis()).isPresent();
        });
    }

    // ---- chain -------------------------------------------------------------------------------------------

    @Test
    void batchNotOnChainThoughLanded_isMissing() {
        chain = new FakeChain().commit(header(1)).commit(header(2));
        assertOnly(reconcile(SOON), BreakKind.ANCHOR_MISSING, "batch 3");
    }

    @Test
    void batchNotOnChain_isPendingThenMissing() {
        ledger.seal();
        assertThat(reconcile(SOON).breaks()).isEmpty();
        assertThat(reconcile(SOON).pending().batches()).isEqualTo(1);
        assertOnly(reconcile(LATE), BreakKind.ANCHOR_MISSING, "batch 4");
    }

    @Test
    void chainHasMoreBatches_isAhead() {
        ledger.seal();
        chain.commit(header(4));
        ledger.tamper("UPDATE receipt SET batch = NULL WHERE batch = 4");
        ledger.tamper("DELETE FROM batch WHERE number = 4");
        Break found = assertOnly(reconcile(SOON), BreakKind.CHAIN_AHEAD, "batch 4");
        assertThat(found.found()).isEqualTo("4 on the chain");
    }

    @Test
    void foreignBatchOnChain_isTheWrongRoot() {
        BatchHeader third = header(3);
        chain = new FakeChain()
                .commit(header(1))
                .commit(header(2))
                .commit(with(third, third.gross(), Fixtures.word("x")));
        Break found = assertOnly(reconcile(SOON), BreakKind.CHAIN_ROOT_WRONG, "batch 3");
        assertThat(found.expected()).isEqualTo("root " + third.root());
    }

    @Test
    void otherTotalsOnChain_areWrongInThatBatchAlone() {
        BatchHeader second = header(2);
        chain = new FakeChain()
                .commit(header(1))
                .commit(with(second, second.gross().add(BigInteger.ONE), second.root()))
                .commit(header(3));
        Break found = assertOnly(reconcile(SOON), BreakKind.CHAIN_TOTALS_WRONG, "batch 2");
        assertThat(found.expected()).startsWith("gross " + second.gross() + ",");
        assertThat(found.found()).startsWith("gross " + second.gross().add(BigInteger.ONE) + ",");
    }

    @Test
    void contractsSumIsAnother_isWrong() {
        chain.inflate(7);
        assertOnly(reconcile(SOON), BreakKind.CHAIN_TOTALS_WRONG, "batch 3");
    }

    @Test
    void eventLost_isMissing() {
        chain.loseEvent(2);
        assertOnly(reconcile(SOON), BreakKind.EVENT_MISSING, "batch 2");
    }

    @Test
    void secondEventOfABatch_isDoubled() {
        chain.repeatEvent(2);
        assertOnly(reconcile(SOON), BreakKind.EVENT_DOUBLED, "batch 2");
    }

    // ---- planting ----------------------------------------------------------------------------------------

    private ReconciliationReport reconcile(long nowMillis) {
        return Reconciliation.withChain(ledger.database(), ledger.folder(), ledger.operators(), chain)
                .run(nowMillis);
    }

    private static Break assertOnly(ReconciliationReport report, BreakKind kind, String subject) {
        assertThat(report.breaks()).as("breaks").hasSize(1);
        Break found = report.breaks().getFirst();
        assertThat(found.kind()).isEqualTo(kind);
        assertThat(found.subject()).hasToString(subject);
        assertThat(found.kind().remedy()).isNotBlank();
        assertThat(report.counts()).containsExactly(Map.entry(kind, 1L));
        return found;
    }

    private SealedBatch batch(long number) {
        return ledger.meter().batch(number).orElseThrow();
    }

    private BatchHeader header(long number) {
        return batch(number).header();
    }

    private static BatchHeader with(BatchHeader header, BigInteger gross, Bytes32 root) {
        return new BatchHeader(
                header.number(),
                header.operatorId(),
                header.stream(),
                header.firstSeq(),
                header.lastSeq(),
                header.count(),
                header.fromTs(),
                header.toTs(),
                gross,
                header.creditTotal(),
                header.promptTokens(),
                header.generatedTokens(),
                header.priceBookHash(),
                root,
                header.dataHash(),
                header.dataUri());
    }

    private void deleteReceipt(long seq) {
        withoutForeignKeys("DELETE FROM payment WHERE seq = " + seq, "DELETE FROM receipt WHERE seq = " + seq);
    }

    /// As somebody with a shell would: SQLite checks foreign keys for who asks it to.
    private void withoutForeignKeys(String... statements) {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("ledger.db"));
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                assertThat(statement.executeUpdate(sql)).isPositive();
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private SignedReceipt sign(Receipt receipt, OperatorKey key) {
        return SignedReceipt.sign(receipt, ledger.identity().domain(), key);
    }

    /// Puts another receipt, signed by the operator, in a receipt's place.
    private void replace(long seq, UnaryOperator<Receipt> change) {
        SignedReceipt signed = sign(change.apply(ledger.receipt(seq).receipt()), TestLedger.KEY);
        ledger.tamper(
                "UPDATE receipt SET signed = ?, struct_hash = ? WHERE seq = ?",
                signed.toJson(),
                ReceiptCodec.structHash(signed.receipt()),
                seq);
        ledger.database().write(connection -> {
            Database.update(connection, "DELETE FROM payment WHERE seq = ?", seq);
            insertPayments(connection, signed.receipt());
            return seq;
        });
    }

    /// Adds a receipt that no usage stands behind.
    private void insert(SignedReceipt signed) {
        ledger.database().write(connection -> {
            Receipt receipt = signed.receipt();
            Database.update(
                    connection,
                    "INSERT INTO receipt (stream, seq, struct_hash, request_id, kind, ref, served_to, signed,"
                            + " attribution) SELECT ?, ?, ?, ?, ?, "
                            + (receipt.kind() == ReceiptKind.USAGE
                                    ? "NULL"
                                    : "X'" + receipt.ref().toString().substring(2) + "'")
                            + ", ?, ?, attribution FROM receipt WHERE seq = 34",
                    receipt.stream(),
                    receipt.seq(),
                    ReceiptCodec.structHash(receipt),
                    receipt.requestId(),
                    receipt.kind().code(),
                    receipt.servedTo(),
                    signed.toJson());
            if (receipt.attribution().isZero()) {
                Database.update(
                        connection, "UPDATE receipt SET attribution = ? WHERE seq = ?", new byte[0], receipt.seq());
            }
            insertPayments(connection, receipt);
            return receipt.seq();
        });
    }

    private static void insertPayments(Connection connection, Receipt receipt) throws SQLException {
        for (Payment payment : receipt.payments()) {
            Database.update(
                    connection,
                    "INSERT INTO payment (stream, seq, role, source, payee, amount) VALUES (?, ?, ?, ?, ?, ?)",
                    receipt.stream(),
                    receipt.seq(),
                    payment.role().code(),
                    payment.source(),
                    payment.payee(),
                    payment.amount());
        }
    }

    /// A credit of the last receipt's tenant on some receipt.
    private Receipt correction(Bytes32 ref, long pico) {
        Receipt last = ledger.receipt(34).receipt();
        Payment payment = last.payments().getFirst();
        return build(
                last,
                35,
                ReceiptCodec.structHash(last),
                ReceiptKind.CREDIT,
                ref,
                Fixtures.word("correction"),
                Bytes32.ZERO,
                last.priceBook(),
                pico,
                List.of(new Payment(payment.payee(), payment.role(), payment.source(), pico)));
    }

    /// The receipt at another place; the difference of the price goes to the first payment.
    private static Receipt copy(Receipt receipt, long seq, Bytes32 previous, long price) {
        List<Payment> payments = new ArrayList<>(receipt.payments());
        Payment first = payments.getFirst();
        payments.set(
                0, new Payment(first.payee(), first.role(), first.source(), first.amount() + price - receipt.price()));
        return build(
                receipt,
                seq,
                previous,
                receipt.kind(),
                receipt.ref(),
                receipt.requestId(),
                receipt.attribution(),
                receipt.priceBook(),
                price,
                payments);
    }

    private static Receipt withBook(Receipt receipt, Bytes32 priceBook) {
        return build(
                receipt,
                receipt.seq(),
                receipt.prevReceipt(),
                receipt.kind(),
                receipt.ref(),
                receipt.requestId(),
                receipt.attribution(),
                priceBook,
                receipt.price(),
                receipt.payments());
    }

    private static Receipt build(
            Receipt like,
            long seq,
            Bytes32 previous,
            ReceiptKind kind,
            Bytes32 ref,
            Bytes32 requestId,
            Bytes32 attribution,
            Bytes32 priceBook,
            long price,
            List<Payment> payments) {
        return new Receipt(
                like.stream(),
                seq,
                previous,
                kind,
                ref,
                requestId,
                like.account(),
                like.payer(),
                like.servedFrom(),
                like.servedTo(),
                like.includeBy(),
                like.baseDigest(),
                like.tokenizerDigest(),
                like.numericPath(),
                like.adapters(),
                like.promptTokens(),
                like.cachedTokens(),
                like.generatedTokens(),
                like.discardedTokens(),
                like.promptHash(),
                like.outputHash(),
                like.scorer(),
                like.corpusRoots(),
                attribution,
                priceBook,
                price,
                payments);
    }
}
