package org.openlora.meter;

import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evm.Address;
import org.openlora.meter.ledger.LedgerIdentity;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.ledger.LedgerStep;
import org.openlora.meter.ledger.ReceiptListener;
import org.openlora.meter.pricing.PriceBook;
import org.openlora.meter.receipt.Eip712Domain;
import org.openlora.meter.receipt.OperatorKey;
import org.openlora.meter.usage.AdapterUsage;
import org.openlora.meter.usage.LineageShare;
import org.openlora.meter.usage.UsageRow;

/// A meter with two datanets, and requests for it.
final class MeterFixture {
    static final OperatorKey KEY =
            OperatorKey.ofHex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
    static final LedgerIdentity IDENTITY = new LedgerIdentity(
            Fixtures.word("stream"),
            Fixtures.word("operator"),
            Eip712Domain.ledger(31_337, Fixtures.address("ledger contract")),
            KEY);
    static final Duration PATIENCE = Duration.ofMinutes(2);

    private static final List<Datanet> DATANETS = makeDatanets();

    private MeterFixture() {}

    static List<Datanet> datanets() {
        return DATANETS;
    }

    private static List<Datanet> makeDatanets() {
        Random random = new Random(8);
        return List.of(
                Fixtures.datanet("first", 3, Fixtures.randomRows(random, 12, 40)),
                Fixtures.datanet("second", 2, Fixtures.randomRows(random, 12, 40)));
    }

    static PriceBook priceBook() {
        try {
            return PriceBook.read(Path.of(System.getProperty("openlora.root", ".."), "config", "pricebook.yaml"));
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    static MeterOptions options(LedgerLocation location) {
        return options(location, step -> {});
    }

    static MeterOptions options(LedgerLocation location, LedgerStep.Observer observer) {
        return options(location, IDENTITY, observer);
    }

    static MeterOptions options(LedgerLocation location, Duration commitPatience, LedgerStep.Observer observer) {
        return options(location, IDENTITY, commitPatience, observer);
    }

    static MeterOptions options(LedgerLocation location, LedgerIdentity identity, LedgerStep.Observer observer) {
        return options(location, identity, MeterOptions.COMMIT_PATIENCE, observer);
    }

    private static MeterOptions options(
            LedgerLocation location, LedgerIdentity identity, Duration commitPatience, LedgerStep.Observer observer) {
        return new MeterOptions(
                location,
                identity,
                DatanetOptions.of(location.folder(), registry -> datanets().forEach(registry::register)),
                Map.of(Fixtures.TOKENIZER, Fixtures.ENCODER),
                priceBook(),
                Duration.ofHours(24),
                commitPatience,
                InstantSource.system(),
                observer,
                ReceiptListener.NONE,
                MeterOptions.ordinaryThread());
    }

    static Address operator() {
        return KEY.address();
    }

    /// A request of a shape that depends on its number alone.
    static UsageRow row(Meter meter, int number) {
        Random random = new Random(number);
        List<Datanet> datanets = datanets();
        List<AdapterUsage> adapters = new ArrayList<>();
        if (number % 3 != 0) {
            adapters.add(Fixtures.adapter(
                    "a", 1_000_000, new LineageShare(datanets.get(0).digest(), 10_000)));
        }
        if (number % 5 == 0) {
            adapters.add(Fixtures.adapter(
                    "b",
                    500_000,
                    new LineageShare(datanets.get(1).digest(), 9_000),
                    new LineageShare(Fixtures.word("unknown datanet"), 1_000)));
        }
        int[] prompt = Fixtures.random(random, 1 + random.nextInt(20), 40);
        int[] copied = Fixtures.ENCODER.encode(
                datanets.get(number % 2).rows().get(number % 12).text());
        int[] output = java.util.stream.IntStream.concat(
                        random.ints(random.nextInt(10), 0, 40), java.util.Arrays.stream(copied))
                .toArray();
        return Fixtures.row(
                "request " + number,
                adapters,
                prompt,
                output,
                random.nextInt(prompt.length + 1),
                meter.versionsFor(adapters));
    }
}
