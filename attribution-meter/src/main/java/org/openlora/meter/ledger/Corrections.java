package org.openlora.meter.ledger;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.openlora.meter.database.Database;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.AdapterUse;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptKind;
import org.openlora.meter.receipt.SignedReceipt;

/// Credits and debits, as receipts of their own at the end of a stream.
final class Corrections {
    private final Database database;
    private final LedgerIdentity identity;

    /// What became of a correction in its transaction.
    private sealed interface Outcome {
        record Recorded(SignedReceipt receipt) implements Outcome {}

        record Refused(String message) implements Outcome {}
    }

    /// A correction that is in the ledger.
    private record Known(Bytes32 bodyHash, SignedReceipt receipt) {}

    private record CorrectionDraft(
            Correction correction, Receipt corrected, Bytes32 stream, long atMillis, long includeBy)
            implements ReceiptAppender.Draft {
        /// Counts no tokens, so that a batch's totals hold each token once, and has no evidence of its own.
        @Override
        public Receipt at(long seq, Bytes32 prevReceipt) {
            return new Receipt(
                    stream,
                    seq,
                    prevReceipt,
                    correction.kind(),
                    correction.ref(),
                    correction.requestId(),
                    corrected.account(),
                    corrected.payer(),
                    atMillis,
                    atMillis,
                    includeBy,
                    corrected.baseDigest(),
                    corrected.tokenizerDigest(),
                    corrected.numericPath(),
                    corrected.adapters().stream()
                            .map(use -> new AdapterUse(use.digest(), use.manifestDigest(), use.scalePpm(), 0))
                            .toList(),
                    0,
                    0,
                    0,
                    0,
                    corrected.promptHash(),
                    corrected.outputHash(),
                    corrected.scorer(),
                    Bytes32.ZERO,
                    Bytes32.ZERO,
                    corrected.priceBook(),
                    correction.pricePico(),
                    correction.payments());
        }

        @Override
        public byte[] attribution() {
            return new byte[0];
        }
    }

    Corrections(Database database, LedgerIdentity identity) {
        this.database = database;
        this.identity = identity;
    }

    SignedReceipt record(Correction correction, Duration inclusionWindow, long nowMillis) {
        Outcome outcome = database.write(connection -> {
            StreamOwnership.lockBesideOwner(connection, identity.stream());
            Optional<Known> known = known(connection, correction.requestId());
            if (known.isPresent()) {
                return known.get().bodyHash().equals(correction.bodyHash())
                        ? new Outcome.Recorded(known.get().receipt())
                        : refuse(connection, correction, nowMillis, "its id stands for another correction");
            }
            Optional<SignedReceipt> corrected = LedgerQueries.byHash(connection, correction.ref());
            Optional<String> objection = corrected.isEmpty()
                    ? Optional.of("the ledger has no such receipt")
                    : objection(connection, correction, corrected.get().receipt());
            return objection.isPresent()
                    ? refuse(connection, correction, nowMillis, objection.get())
                    : append(connection, correction, corrected.orElseThrow().receipt(), inclusionWindow, nowMillis);
        });
        return switch (outcome) {
            case Outcome.Recorded(SignedReceipt receipt) -> receipt;
            case Outcome.Refused(String message) -> throw new CorrectionRefusedException(message);
        };
    }

    private static Optional<Known> known(Connection connection, Bytes32 requestId) throws SQLException {
        return Database.query(
                        connection,
                        "SELECT correction.body_hash, receipt.signed FROM correction JOIN receipt"
                                + " ON receipt.stream = correction.stream AND receipt.seq = correction.seq"
                                + " WHERE correction.request_id = ?",
                        row -> new Known(Database.word(row, "body_hash"), LedgerQueries.signed(row)),
                        requestId)
                .stream()
                .findFirst();
    }

    private static Optional<String> objection(Connection connection, Correction correction, Receipt corrected)
            throws SQLException {
        if (corrected.kind() != ReceiptKind.USAGE) {
            return Optional.of("it is a correction itself: correct the usage receipt " + corrected.ref());
        }
        Map<Payment, Long> left = leftByPayment(connection, correction.ref());
        for (Payment payment : correction.payments()) {
            long present = left.getOrDefault(payment, 0L);
            if (correction.kind() == ReceiptKind.CREDIT && payment.amount() > present) {
                return Optional.of(named(payment) + " has " + present + " pico-units left, not " + payment.amount());
            }
            if (correction.kind() == ReceiptKind.DEBIT && payment.amount() > Long.MAX_VALUE - present) {
                return Optional.of(named(payment) + " has " + present + " pico-units, and " + payment.amount()
                        + " more do not fit 63 bits");
            }
        }
        return Optional.empty();
    }

    private static String named(Payment payment) {
        return "the payment to " + payment.payee() + " as " + payment.role() + " for " + payment.source();
    }

    /// What each payee has of a receipt after its corrections.
    static List<Payment> left(Connection connection, Bytes32 structHash) throws SQLException {
        return leftByPayment(connection, structHash).entrySet().stream()
                .map(left -> new Payment(
                        left.getKey().payee(),
                        left.getKey().role(),
                        left.getKey().source(),
                        left.getValue()))
                .toList();
    }

    /// By role, source and payee, whatever the keys' own amounts.
    private static Map<Payment, Long> leftByPayment(Connection connection, Bytes32 structHash) throws SQLException {
        Map<Payment, Long> left = new TreeMap<>(Payment.ORDER);
        for (SignedReceipt signed : Database.query(
                connection,
                "SELECT signed FROM receipt WHERE struct_hash = ? OR ref = ? ORDER BY stream, seq",
                LedgerQueries::signed,
                structHash,
                structHash)) {
            boolean credit = signed.receipt().kind() == ReceiptKind.CREDIT;
            for (Payment payment : signed.receipt().payments()) {
                left.merge(payment, credit ? -payment.amount() : payment.amount(), Math::addExact);
            }
        }
        return left;
    }

    private Outcome append(
            Connection connection, Correction correction, Receipt corrected, Duration inclusionWindow, long nowMillis)
            throws SQLException {
        CorrectionDraft draft = new CorrectionDraft(
                correction,
                corrected,
                identity.stream(),
                nowMillis,
                Math.addExact(nowMillis, inclusionWindow.toMillis()));
        ReceiptAppender.Prepared prepared = ReceiptAppender.prepare(
                        List.of(draft), StreamEnd.of(connection, identity.stream()), identity)
                .getFirst();
        ReceiptAppender.write(connection, List.of(prepared), nowMillis);
        Database.update(
                connection,
                "INSERT INTO correction (request_id, body_hash, stream, seq, actor, reason) VALUES (?, ?, ?, ?, ?, ?)",
                correction.requestId(),
                correction.bodyHash(),
                identity.stream(),
                prepared.receipt().seq(),
                correction.actor(),
                correction.reason());
        long price = corrected.price();
        AuditTrail.append(
                connection,
                new AuditEvent(
                        nowMillis,
                        correction.kindName(),
                        correction.actor(),
                        "",
                        correction.requestId(),
                        correction.kindName() + " of " + correction.pricePico() + " pico-units on receipt "
                                + correction.ref() + ", billed " + price + ": " + correction.reason(),
                        "",
                        prepared.hash().toString()));
        return new Outcome.Recorded(prepared.signed());
    }

    private static Outcome refuse(Connection connection, Correction correction, long nowMillis, String why)
            throws SQLException {
        String message = correction.kindName() + " " + correction.requestId() + " of " + correction.pricePico()
                + " pico-units on receipt " + correction.ref() + " is refused: " + why;
        AuditTrail.append(
                connection,
                new AuditEvent(
                        nowMillis,
                        "correction-refused",
                        correction.actor(),
                        "",
                        correction.requestId(),
                        message,
                        "",
                        ""));
        return new Outcome.Refused(message);
    }
}
