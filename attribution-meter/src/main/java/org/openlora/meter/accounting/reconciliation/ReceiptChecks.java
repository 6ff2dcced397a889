package org.openlora.meter.accounting.reconciliation;

import java.math.BigInteger;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.openlora.meter.database.Database;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.ReceiptKind;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.meter.receipt.UsageAcknowledgement;

/// Checks receipts one by one: signed bytes, link, payment rows, per-token record, promise, price, correction.
final class ReceiptChecks {
    private final Operators operators;
    private final PriceChecks prices;
    private final Predicate<Bytes32> doubled;
    private final Findings findings;
    private final Map<Bytes32, Correction> corrections = new HashMap<>();

    /// What was given back on one receipt, debits taken off.
    ///
    /// @param last the last of its corrections
    private record Correction(Subject last, BigInteger netPico) {}

    /// @param doubled whether the receipt of this hash bills a request that another one has billed before
    ReceiptChecks(Operators operators, PriceChecks prices, Predicate<Bytes32> doubled, Findings findings) {
        this.operators = operators;
        this.prices = prices;
        this.doubled = doubled;
        this.findings = findings;
    }

    /// The receipt, where its bytes are what was signed; else a break.
    Optional<SignedReceipt> read(StoredReceipt row) {
        Subject subject = Subject.receipt(row.stream(), row.seq(), row.requestId());
        SignedReceipt signed;
        try {
            signed = SignedReceipt.fromJson(row.signed());
        } catch (IllegalArgumentException e) {
            findings.add(
                    BreakKind.RECEIPT_ALTERED,
                    subject,
                    "the canonical JSON of a signed receipt",
                    String.valueOf(e.getMessage()));
            return Optional.empty();
        }
        Receipt receipt = signed.receipt();
        Bytes32 hash = ReceiptCodec.structHash(receipt);
        if (!hash.equals(row.structHash())) {
            findings.add(
                    BreakKind.RECEIPT_ALTERED,
                    subject,
                    "a receipt of hash " + row.structHash(),
                    "one of hash " + hash,
                    receipt.servedTo());
            return Optional.empty();
        }
        if (!receipt.stream().equals(row.stream())
                || receipt.seq() != row.seq()
                || !receipt.requestId().equals(row.requestId())
                || receipt.kind().code() != row.kind()
                || !receipt.ref().equals(row.ref() == null ? Bytes32.ZERO : row.ref())
                || receipt.servedTo() != row.servedTo()) {
            findings.add(
                    BreakKind.RECEIPT_ALTERED,
                    subject,
                    "the stream, number, request, kind, reference and time that its row names",
                    "number %d of stream %s, request %s, %s of %s served to %d"
                            .formatted(
                                    receipt.seq(),
                                    receipt.stream(),
                                    receipt.requestId(),
                                    receipt.kind(),
                                    receipt.ref(),
                                    receipt.servedTo()),
                    receipt.servedTo());
            return Optional.empty();
        }
        if (!operators.signed(signed)) {
            findings.add(
                    BreakKind.RECEIPT_ALTERED,
                    subject,
                    "the signature of " + operators,
                    "one of " + signed.signer().map(Address::toString).orElse("nobody") + " for chain "
                            + signed.domain().chainId() + ", contract "
                            + signed.domain().verifyingContract(),
                    receipt.servedTo());
            return Optional.empty();
        }
        return Optional.of(signed);
    }

    /// Checks what hangs on an intact receipt.
    ///
    /// @param payments its payment rows, ascending
    void check(StoredReceipt row, Receipt receipt, List<Payment> payments) {
        Subject subject = Subject.receipt(row.stream(), row.seq(), row.requestId());
        if (!payments.equals(receipt.payments())) {
            findings.add(
                    BreakKind.PAYMENTS_ALTERED,
                    subject,
                    difference(receipt.payments(), payments),
                    difference(payments, receipt.payments()),
                    receipt.servedTo());
        }
        boolean attributionHolds = attribution(row, receipt, subject);
        if (receipt.kind() == ReceiptKind.USAGE) {
            usage(row, receipt, subject, attributionHolds);
        } else {
            BigInteger amount = BigInteger.valueOf(receipt.price());
            corrections.merge(
                    receipt.ref(),
                    new Correction(subject, receipt.kind() == ReceiptKind.CREDIT ? amount : amount.negate()),
                    (before, now) -> new Correction(now.last(), before.netPico().add(now.netPico())));
        }
    }

    /// The lines of one list that the other does not have.
    private static String difference(List<Payment> of, List<Payment> without) {
        List<String> lines = of.stream()
                .filter(payment -> !without.contains(payment))
                .map(payment -> "%d to %s as %s".formatted(payment.amount(), payment.payee(), payment.role()))
                .toList();
        return lines.isEmpty() ? "nothing in its place" : String.join(", ", lines);
    }

    private boolean attribution(StoredReceipt row, Receipt receipt, Subject subject) {
        boolean none = receipt.attribution().isZero();
        boolean holds = none
                ? row.attribution().length == 0
                : Sha256.hash(row.attribution()).equals(receipt.attribution());
        if (!holds) {
            findings.add(
                    BreakKind.ATTRIBUTION_ALTERED,
                    subject,
                    none ? "no per-token record" : "a per-token record of digest " + Sha256.text(receipt.attribution()),
                    "one of digest " + Sha256.text(Sha256.hash(row.attribution())),
                    receipt.servedTo());
        }
        return holds;
    }

    private void usage(StoredReceipt row, Receipt receipt, Subject subject, boolean attributionHolds) {
        String body = row.usageBody();
        byte[] acknowledgement = row.acknowledgement();
        if (doubled.test(row.structHash())) {
            return; // named as such; it has no usage row of its own
        }
        if (body == null || acknowledgement == null) {
            findings.add(BreakKind.USAGE_MISSING, subject, "the usage row that it bills", "none", receipt.servedTo());
            return;
        }
        UsageAcknowledgement promised =
                SignedAcknowledgement.fromJson(acknowledgement).acknowledgement();
        UsageAcknowledgement kept = UsageAcknowledgement.of(receipt);
        if (!promised.equals(kept)) {
            findings.add(BreakKind.PROMISE_BROKEN, subject, promised.toString(), kept.toString(), receipt.servedTo());
        }
        prices.check(receipt, subject, body, attributionHolds ? Optional.of(row.attribution()) : Optional.empty());
    }

    /// Once all receipts were seen: corrections against what they correct.
    void finish(Connection connection) throws SQLException {
        for (Map.Entry<Bytes32, Correction> correction : corrections.entrySet()) {
            List<byte[]> corrected = Database.query(
                    connection,
                    "SELECT signed FROM receipt WHERE struct_hash = ?",
                    row -> row.getBytes("signed"),
                    correction.getKey());
            if (corrected.isEmpty()) {
                findings.add(
                        BreakKind.CORRECTION_UNFOUNDED,
                        correction.getValue().last(),
                        "a receipt of hash " + correction.getKey(),
                        "none");
            } else {
                requireCovered(correction.getValue(), corrected.getFirst());
            }
        }
    }

    private void requireCovered(Correction correction, byte[] corrected) {
        long price;
        try {
            price = SignedReceipt.fromJson(corrected).receipt().price();
        } catch (IllegalArgumentException e) {
            return; // altered, and named as such
        }
        if (correction.netPico().compareTo(BigInteger.valueOf(price)) > 0) {
            findings.add(
                    BreakKind.CORRECTION_EXCEEDS,
                    correction.last(),
                    "credits of at most " + price + " pico-units",
                    correction.netPico() + " pico-units");
        }
    }
}
