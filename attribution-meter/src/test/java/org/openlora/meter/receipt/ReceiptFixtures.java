package org.openlora.meter.receipt;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;

/// Random but repeatable receipts that follow every rule.
public final class ReceiptFixtures {
    private ReceiptFixtures() {}

    public static Bytes32 word(Random random) {
        byte[] bytes = new byte[32];
        random.nextBytes(bytes);
        return Bytes32.of(bytes);
    }

    public static Address address(Random random) {
        byte[] bytes = new byte[20];
        random.nextBytes(bytes);
        return Address.of(bytes);
    }

    /// A gap-free run of a stream, from seq 1.
    public static List<Receipt> run(String stream, int count) {
        Random random = new Random(stream.hashCode());
        List<Receipt> receipts = new ArrayList<>();
        Bytes32 previous = Bytes32.ZERO;
        for (int seq = 1; seq <= count; seq++) {
            Receipt receipt = receipt(random, Keccak256.hash(stream), seq, previous);
            previous = ReceiptCodec.structHash(receipt);
            receipts.add(receipt);
        }
        return receipts;
    }

    /// A receipt with two adapters and five payments.
    public static Receipt receipt(Random random, Bytes32 stream, long seq, Bytes32 previous) {
        List<AdapterUse> adapters = new ArrayList<>();
        List<Payment> payments = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            adapters.add(new AdapterUse(word(random), word(random), random.nextInt(), random.nextInt(1000)));
        }
        adapters.sort(Comparator.comparing(AdapterUse::digest));
        long price = 0;
        for (int i = 0; i < 5; i++) {
            long amount = random.nextLong(1_000_000_000_000L);
            payments.add(new Payment(address(random), Role.ofCode(1 + random.nextInt(7)), word(random), amount));
            price += amount;
        }
        payments.sort(Payment.ORDER);
        long from = 1_790_000_000_000L + seq * 1000;
        ReceiptKind kind = ReceiptKind.ofCode(1 + random.nextInt(3));
        return new Receipt(
                stream,
                seq,
                previous,
                kind,
                kind == ReceiptKind.USAGE ? Bytes32.ZERO : word(random),
                word(random),
                word(random),
                address(random),
                from,
                from + random.nextInt(1000),
                from + 3_600_000,
                word(random),
                word(random),
                word(random),
                adapters,
                1000,
                random.nextInt(1000),
                random.nextInt(1000),
                random.nextInt(10),
                word(random),
                word(random),
                word(random),
                word(random),
                word(random),
                word(random),
                price,
                payments);
    }
}
