package org.openlora.meter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.ledger.PayeeTotal;
import org.openlora.meter.ledger.SealedBatch;
import org.openlora.meter.merkle.MerkleTree;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.meter.usage.UsageRow;

/// What must hold of a ledger of [MeterFixture#row]s after whatever happened to it.
///
/// @param requests the numbers of all requests that may have been committed: 0 to this
record LedgerInvariants(int requests) {
    /// Checks a ledger in which nothing waits for its receipt any more.
    ///
    /// @param acknowledged requests whose acknowledgement was received
    /// @param refused requests whose commit was received to have failed for good
    /// @return how many receipts there are
    long check(Meter meter, Set<Integer> acknowledged, Set<Integer> refused) {
        assertThat(meter.queries().quarantined()).isEmpty();
        // Numbered without gaps, each linked to the one before, each signed.
        long count = meter.queries().verify(MeterFixture.operator());
        List<Receipt> receipts = meter.queries().receipts(1, Integer.MAX_VALUE).stream()
                .map(SignedReceipt::receipt)
                .toList();
        assertThat(receipts).hasSize((int) count);
        Map<Integer, Receipt> byRequest = byRequest(receipts);
        assertThat(byRequest.keySet()).as("nothing acknowledged is lost").containsAll(acknowledged);
        assertThat(byRequest.keySet()).as("nothing refused is billed").noneMatch(refused::contains);
        byRequest.forEach((request, receipt) -> assertIsOf(receipt, MeterFixture.row(meter, request)));
        assertThat(paid(meter.queries().totals())).as("paid = billed").isEqualTo(billed(receipts));
        checkBatches(meter, receipts);
        return count;
    }

    private Map<Integer, Receipt> byRequest(List<Receipt> receipts) {
        Map<Bytes32, Integer> numbers = new HashMap<>();
        for (int i = 0; i < requests; i++) {
            numbers.put(Fixtures.word("request " + i), i);
        }
        Map<Integer, Receipt> byRequest = new HashMap<>();
        for (Receipt receipt : receipts) {
            int number = Objects.requireNonNull(
                    numbers.get(receipt.requestId()), "receipt " + receipt.seq() + " is of a request that nobody made");
            assertThat(byRequest.put(number, receipt))
                    .as("second receipt of request %d", number)
                    .isNull();
        }
        return byRequest;
    }

    private static void assertIsOf(Receipt receipt, UsageRow row) {
        assertThat(receipt.promptTokens()).isEqualTo(row.prompt().size());
        assertThat(receipt.generatedTokens()).isEqualTo(row.output().size());
        assertThat(receipt.cachedTokens()).isEqualTo(row.cachedTokens());
        assertThat(receipt.account()).isEqualTo(row.account());
    }

    private static BigInteger paid(Collection<PayeeTotal> totals) {
        return totals.stream().map(PayeeTotal::amountPico).reduce(BigInteger.ZERO, BigInteger::add);
    }

    private static BigInteger billed(Collection<Receipt> receipts) {
        return receipts.stream()
                .map(receipt -> BigInteger.valueOf(receipt.price()))
                .reduce(BigInteger.ZERO, BigInteger::add);
    }

    /// Batches follow on each other, say what is in them, and have their files.
    private static void checkBatches(Meter meter, List<Receipt> receipts) {
        long next = 1;
        Bytes32 head = Bytes32.ZERO;
        List<Long> numbers = meter.queries().batchNumbers();
        for (int i = 0; i < numbers.size(); i++) {
            assertThat(numbers.get(i)).isEqualTo(i + 1);
            SealedBatch batch = meter.batch(numbers.get(i)).orElseThrow();
            assertThat(batch.header().firstSeq()).isEqualTo(next);
            assertThat(batch.previousHead()).isEqualTo(head);
            List<Receipt> inside =
                    receipts.subList((int) next - 1, (int) batch.header().lastSeq());
            assertThat(batch.receipts()).extracting(SignedReceipt::receipt).containsExactlyElementsOf(inside);
            assertThat(MerkleTree.of(inside.stream().map(ReceiptCodec::leaf).toList())
                            .root())
                    .isEqualTo(batch.header().root());
            assertThat(billed(inside)).isEqualTo(batch.header().gross());
            assertThat(fileHash(batch)).isEqualTo(batch.header().dataHash());
            next = batch.header().lastSeq() + 1;
            head = batch.head();
        }
        for (Receipt receipt : receipts) {
            assertThat(meter.queries().batchOf(receipt.seq()).isPresent()).isEqualTo(receipt.seq() < next);
        }
    }

    private static Bytes32 fileHash(SealedBatch batch) {
        try {
            return Keccak256.hash(Files.readAllBytes(batch.file()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// All requests, in order.
    static List<Integer> upTo(int requests) {
        List<Integer> all = new ArrayList<>();
        for (int i = 0; i < requests; i++) {
            all.add(i);
        }
        return all;
    }
}
