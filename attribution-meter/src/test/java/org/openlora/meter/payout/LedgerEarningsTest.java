package org.openlora.meter.payout;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.TestDatabase;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.receipt.Eip712Domain;
import org.openlora.meter.receipt.OperatorKey;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptFixtures;
import org.openlora.meter.receipt.ReceiptKind;
import org.openlora.meter.receipt.SignedReceipt;

@ParameterizedClass
@EnumSource(TestDatabase.class)
class LedgerEarningsTest {
    private static final OperatorKey KEY = OperatorKey.ofHex("44".repeat(32));
    private static final Eip712Domain DOMAIN = Eip712Domain.ledger(1, new Address(0, 0, 9));

    private final TestDatabase kind;

    @TempDir
    Path folder;

    LedgerEarningsTest(TestDatabase kind) {
        this.kind = kind;
    }

    @Test
    void read_twoStreams_sumsWhatHasLanded_creditsTakenOff() {
        List<Receipt> first = ReceiptFixtures.run("first stream", 30);
        List<Receipt> second = ReceiptFixtures.run("second stream", 20);
        try (Database database = Database.open(kind.location(folder))) {
            database.write(connection -> {
                insert(connection, first, 10, 2); // batches 1 to 3, two of them landed
                insert(connection, second, 10, 0);
                return first.size();
            });
            Earnings earnings = new LedgerEarnings(database).read();
            Map<EarnedTotal, BigInteger> expected = new HashMap<>();
            for (Receipt receipt : first.subList(0, 20)) {
                for (Payment payment : receipt.payments()) {
                    BigInteger pico = BigInteger.valueOf(
                            receipt.kind() == ReceiptKind.CREDIT ? -payment.amount() : payment.amount());
                    expected.merge(
                            new EarnedTotal(payment.payee(), payment.role(), payment.source(), BigInteger.ZERO),
                            pico,
                            BigInteger::add);
                }
            }
            assertThat(first.subList(0, 20)).anyMatch(receipt -> receipt.kind() == ReceiptKind.CREDIT);
            assertThat(earnings.totals()).hasSize(expected.size()).allSatisfy(total -> assertThat(total.netPico())
                    .isEqualTo(expected.get(
                            new EarnedTotal(total.payee(), total.role(), total.source(), BigInteger.ZERO))));
            assertThat(earnings.netPico())
                    .isEqualTo(expected.values().stream().reduce(BigInteger.ZERO, BigInteger::add));
            assertThat(earnings.streams()).containsExactly(new AnchoredStream(first.getFirst().stream(), 2, head(2)));
        }
    }

    @Test
    void read_sumsBeyond64Bits_areExact() {
        Receipt receipt = ReceiptFixtures.run("big", 1).getFirst();
        Payment payment = receipt.payments().getFirst();
        try (Database database = Database.open(kind.location(folder))) {
            database.write(connection -> {
                for (int seq = 1; seq <= 3; seq++) {
                    insertReceipt(connection, receipt.stream(), seq, 1, receipt);
                    insertPayment(connection, receipt.stream(), seq, payment, Long.MAX_VALUE);
                }
                insertBatch(connection, receipt.stream(), 1, 3, 1);
                return 0;
            });
            BigInteger sum = new LedgerEarnings(database).read().netPico();
            BigInteger expected = BigInteger.valueOf(Long.MAX_VALUE).multiply(BigInteger.valueOf(3));
            assertThat(sum).isEqualTo(receipt.kind() == ReceiptKind.CREDIT ? expected.negate() : expected);
        }
    }

    private static Bytes32 head(long number) {
        return Keccak256.hash("head " + number);
    }

    private static void insert(Connection connection, List<Receipt> receipts, int perBatch, int landed)
            throws SQLException {
        Bytes32 stream = receipts.getFirst().stream();
        for (Receipt receipt : receipts) {
            insertReceipt(connection, stream, receipt.seq(), (receipt.seq() - 1) / perBatch + 1, receipt);
            for (Payment payment : receipt.payments()) {
                insertPayment(connection, stream, receipt.seq(), payment, payment.amount());
            }
        }
        for (int number = 1; number <= receipts.size() / perBatch; number++) {
            insertBatch(connection, stream, number, perBatch, landed);
        }
    }

    private static void insertReceipt(Connection connection, Bytes32 stream, long seq, long batch, Receipt receipt)
            throws SQLException {
        Database.update(
                connection,
                "INSERT INTO receipt (stream, seq, struct_hash, request_id, signed, attribution, kind, ref, batch)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?, nullif(?, ?), ?)",
                stream,
                seq,
                Keccak256.hash(stream + " " + seq),
                receipt.requestId(),
                SignedReceipt.sign(receipt, DOMAIN, KEY).toJson(),
                new byte[0],
                receipt.kind().code(),
                receipt.ref(),
                Bytes32.ZERO,
                batch);
    }

    private static void insertPayment(Connection connection, Bytes32 stream, long seq, Payment payment, long amount)
            throws SQLException {
        Database.update(
                connection,
                "INSERT INTO payment (stream, seq, role, source, payee, amount) VALUES (?, ?, ?, ?, ?, ?)",
                stream,
                seq,
                payment.role().code(),
                payment.source(),
                payment.payee(),
                amount);
    }

    private static void insertBatch(Connection connection, Bytes32 stream, long number, long size, long landed)
            throws SQLException {
        Database.update(
                connection,
                "INSERT INTO batch (stream, number, operator_id, first_seq, last_seq, root, data_hash, data_uri, head,"
                        + " sealed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                stream,
                number,
                stream,
                (number - 1) * size + 1,
                number * size,
                stream,
                stream,
                "",
                head(number),
                0L);
        Database.update(
                connection,
                "INSERT INTO journal (stream, landed) VALUES (?, ?) ON CONFLICT (stream) DO NOTHING",
                stream,
                landed);
    }
}
