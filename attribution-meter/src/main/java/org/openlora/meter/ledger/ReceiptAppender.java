package org.openlora.meter.ledger;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.database.Database;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.SignedReceipt;

/// Adds receipts to the end of a stream.
final class ReceiptAppender {
    private ReceiptAppender() {}

    /// A receipt that has no place yet.
    interface Draft {
        Receipt at(long seq, Bytes32 prevReceipt);

        /// The per-token record; empty where nothing was attributed.
        byte[] attribution();

        /// The row that it comes of; null for a correction.
        default @Nullable Long usageId() {
            return null;
        }
    }

    /// A receipt with place, hash and signature, ready to be written.
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Prepared(Draft draft, Bytes32 hash, SignedReceipt signed, byte[] json) {
        Receipt receipt() {
            return signed.receipt();
        }
    }

    private record Placed(Draft draft, Receipt receipt, Bytes32 hash) {}

    /// Numbers and links drafts behind the end of a stream, one after the other, and signs them, several at once: the
    /// chain of hashes holds no signatures.
    static List<Prepared> prepare(List<? extends Draft> drafts, StreamEnd end, LedgerIdentity identity) {
        List<Placed> chain = new ArrayList<>(drafts.size());
        long seq = end.seq();
        Bytes32 previous = end.hash();
        for (Draft draft : drafts) {
            seq++;
            Receipt receipt = draft.at(seq, previous);
            previous = ReceiptCodec.structHash(receipt);
            chain.add(new Placed(draft, receipt, previous));
        }
        return IntStream.range(0, chain.size())
                .parallel()
                .mapToObj(i -> sign(chain.get(i), identity))
                .toList();
    }

    private static Prepared sign(Placed placed, LedgerIdentity identity) {
        SignedReceipt signed =
                SignedReceipt.sign(placed.receipt(), placed.hash(), identity.domain(), identity.signer());
        return new Prepared(placed.draft(), placed.hash(), signed, signed.toJson());
    }

    /// Writes receipts and payments. The transaction must hold the stream's lock, and the receipts must begin behind
    /// the end that it sees.
    static void write(Connection connection, List<Prepared> receipts, long nowMillis) throws SQLException {
        try (PreparedStatement receiptRow = connection.prepareStatement(
                        "INSERT INTO receipt (stream, seq, struct_hash, request_id, usage_id, signed, attribution,"
                                + " kind, ref, served_to, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
                PreparedStatement paymentRow = connection.prepareStatement(
                        "INSERT INTO payment (stream, seq, role, source, payee, amount) VALUES (?, ?, ?, ?, ?, ?)")) {
            for (Prepared prepared : receipts) {
                Receipt receipt = prepared.receipt();
                Database.bind(
                        receiptRow,
                        receipt.stream(),
                        receipt.seq(),
                        prepared.hash(),
                        receipt.requestId(),
                        prepared.draft().usageId(),
                        prepared.json(),
                        prepared.draft().attribution(),
                        receipt.kind().code(),
                        receipt.ref().isZero() ? null : receipt.ref(),
                        receipt.servedTo(),
                        nowMillis);
                receiptRow.addBatch();
                for (Payment payment : receipt.payments()) {
                    Database.bind(
                            paymentRow,
                            receipt.stream(),
                            receipt.seq(),
                            payment.role().code(),
                            payment.source(),
                            payment.payee(),
                            payment.amount());
                    paymentRow.addBatch();
                }
            }
            receiptRow.executeBatch();
            paymentRow.executeBatch();
        }
    }
}
