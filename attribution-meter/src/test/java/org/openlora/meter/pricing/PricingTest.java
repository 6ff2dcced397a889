package org.openlora.meter.pricing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evidence.AttributionRules;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evidence.Scorer;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Role;
import org.openlora.meter.usage.AdapterUsage;
import org.openlora.meter.usage.LineageShare;
import org.openlora.meter.usage.UsageRow;

class PricingTest {
    private static final Split SPLIT = new Split(1_500, 2_000, 2_500, 4_000);
    private static final AttributionRules RULES = new AttributionRules(700_000, 4, 8, 1_000_000);

    @Test
    void price_worksOutByHand() {
        Datanet poems = Fixtures.datanet("poems", 1, List.of(new int[] {1, 2, 3, 4}));
        AdapterUsage adapter = Fixtures.adapter("a", 1_000_000, new LineageShare(poems.digest(), 10_000));
        // 4 prompt tokens, 1 of them cached; 4 generated: (3·1000 + 1·500 + 4·2000) / 1000 + 100 = 111 (floor of
        // 111.5)
        PriceBook book = book(new Rates(1_000, 500, 2_000), 100, 1_000, SPLIT, Map.of());
        PricedUsage priced =
                price(List.of(poems), List.of(adapter), new int[] {8, 8, 8, 8}, new int[] {1, 2, 3, 4}, 1, book);

        assertThat(priced.pricePico()).isEqualTo(111);
        // Exact: fixed 100; of 11 the platform 1.1; of 9.9: base 1.485 (to the treasury), adapter 1.98, operator
        // 2.475, contributors 3.96 of which the pool 30 % = 1.188 and the writer 2.772. The floors leave 3
        // units: adapter owner (.98), writer (.772), treasury (.485).
        assertThat(amounts(priced, Role.PLATFORM)).containsExactly(101L);
        assertThat(amounts(priced, Role.TREASURY)).containsExactly(2L);
        assertThat(amounts(priced, Role.ADAPTER_OWNER)).containsExactly(2L);
        assertThat(amounts(priced, Role.OPERATOR)).containsExactly(2L);
        assertThat(amounts(priced, Role.CONTRIBUTOR)).containsExactly(3L);
        assertThat(amounts(priced, Role.DATANET_POOL)).containsExactly(1L);
    }

    @Test
    void price_adapterWithoutOwner_isTheTreasurys() {
        AdapterUsage owned = Fixtures.adapter("a", 1_000_000);
        AdapterUsage orphan = new AdapterUsage(owned.use(), List.of(), null);
        PriceBook book = book(new Rates(0, 0, 1_000_000), 0, 0, new Split(0, 10_000, 0, 0), Map.of());
        PricedUsage priced = price(List.of(), List.of(orphan), new int[] {}, new int[] {1}, 0, book);
        assertThat(priced.payments())
                .containsExactly(
                        new Payment(book.treasury(), Role.TREASURY, orphan.use().digest(), 1_000));
    }

    @Test
    void price_bareBase_paysTheNamedOwnerAndTheTreasury() {
        Bytes32 base = Fixtures.word("base");
        PriceBook book = book(
                new Rates(0, 0, 10_000),
                0,
                0,
                new Split(4_000, 3_000, 2_000, 1_000),
                Map.of(base, Fixtures.address("owner")));
        PricedUsage priced = price(List.of(), List.of(), new int[] {}, new int[] {1}, 0, book);
        assertThat(priced.payments())
                .containsExactly(
                        new Payment(Fixtures.address("owner"), Role.BASE_OWNER, base, 4),
                        new Payment(book.operator(), Role.OPERATOR, Bytes32.ZERO, 2),
                        new Payment(book.treasury(), Role.TREASURY, Bytes32.ZERO, 4));
    }

    @Test
    void price_nothingUsed_hasNoPayments() {
        PriceBook book = book(new Rates(1, 1, 1), 0, 0, SPLIT, Map.of());
        assertThat(price(List.of(), List.of(), new int[] {}, new int[] {}, 0, book))
                .isEqualTo(new PricedUsage(0, List.of()));
    }

    @Test
    void price_beforeTheBookIsInForce_isRefused() {
        PriceBook book = book(new Rates(1, 1, 1), 0, 0, SPLIT, Map.of());
        PriceBook later = new PriceBook(
                book.digest(),
                "{}",
                "later",
                Instant.parse("2030-01-01T00:00:00Z"),
                "USDC",
                book.defaultRates(),
                Map.of(),
                Map.of(),
                0,
                0,
                SPLIT,
                Map.of(),
                book.operator(),
                book.platform(),
                book.treasury(),
                book.datanetPool(),
                RULES);
        assertThatThrownBy(() -> price(List.of(), List.of(), new int[] {}, new int[] {1}, 0, later))
                .hasMessageContaining("price book 'later' is in force from 2030-01-01T00:00:00Z");
    }

    @Test
    void price_randomRequests_paymentsSumToThePriceAndFollowTheExactShares() {
        Random random = new Random(7);
        for (int round = 0; round < 1_500; round++) {
            List<Datanet> datanets = new ArrayList<>();
            List<AdapterUsage> adapters = new ArrayList<>();
            for (int d = 0; d < random.nextInt(4); d++) {
                datanets.add(Fixtures.datanet("d" + d, 1 + random.nextInt(3), Fixtures.randomRows(random, 4, 5)));
                AdapterUsage adapter = Fixtures.adapter(
                        "a" + d,
                        random.nextInt(),
                        new LineageShare(datanets.get(d).digest(), 10_000));
                adapters.add(random.nextInt(4) == 0 ? new AdapterUsage(adapter.use(), List.of(), null) : adapter);
            }
            List<Datanet> named = datanets.stream()
                    .filter(datanet -> adapters.stream()
                            .flatMap(adapter -> adapter.lineage().stream())
                            .anyMatch(share -> share.datanet().equals(datanet.digest())))
                    .toList();
            long most = round % 2 == 0 ? 5_000 : 1L << 53;
            PriceBook book = book(
                    new Rates(random.nextLong(most), random.nextLong(most), random.nextLong(most)),
                    random.nextLong(most),
                    random.nextInt(10_001),
                    split(random),
                    random.nextBoolean() ? Map.of() : Map.of(Fixtures.word("base"), Fixtures.address("owner")));
            int[] prompt = Fixtures.random(random, random.nextInt(20), 5);
            int cached = random.nextInt(prompt.length + 1);
            int[] output = Fixtures.random(random, random.nextInt(40), 5);
            PricedUsage priced = price(named, adapters, prompt, output, cached, book);

            BigInteger exact = BigInteger.valueOf(prompt.length - cached)
                    .multiply(BigInteger.valueOf(book.defaultRates().promptPico()))
                    .add(BigInteger.valueOf(cached)
                            .multiply(BigInteger.valueOf(book.defaultRates().cachedPico())))
                    .add(BigInteger.valueOf(output.length)
                            .multiply(BigInteger.valueOf(book.defaultRates().generatedPico())));
            assertThat(BigInteger.valueOf(priced.pricePico()))
                    .isEqualTo(exact.divide(BigInteger.valueOf(1_000)).add(BigInteger.valueOf(book.fixedFeePico())));
            assertThat(priced.payments().stream().mapToLong(Payment::amount).sum())
                    .isEqualTo(priced.pricePico());
            assertThat(priced.payments()).isSortedAccordingTo(Payment.ORDER).doesNotHaveDuplicates();
            assertThat(priced.payments()).allMatch(payment -> payment.amount() > 0);
            BigInteger fees = BigInteger.valueOf(priced.pricePico() - book.fixedFeePico());
            BigInteger platform = fees.multiply(BigInteger.valueOf(book.platformBps()));
            BigInteger paid = BigInteger.valueOf(amounts(priced, Role.PLATFORM).stream()
                            .mapToLong(Long::longValue)
                            .sum()
                    - book.fixedFeePico());
            assertThat(paid.multiply(BigInteger.valueOf(10_000))
                            .subtract(platform)
                            .abs())
                    .isLessThan(BigInteger.valueOf(10_000));
        }
    }

    private static Split split(Random random) {
        int base = random.nextInt(5_001);
        int adapter = random.nextInt(2_501);
        int operator = random.nextInt(2_501);
        return new Split(base, adapter, operator, 10_000 - base - adapter - operator);
    }

    private static List<Long> amounts(PricedUsage priced, Role role) {
        return priced.payments().stream()
                .filter(payment -> payment.role() == role)
                .map(Payment::amount)
                .toList();
    }

    private static PricedUsage price(
            List<Datanet> datanets,
            List<AdapterUsage> adapters,
            int[] prompt,
            int[] output,
            int cached,
            PriceBook book) {
        UsageRow row = Fixtures.row("request", adapters, prompt, output, cached, Fixtures.versions(datanets));
        AttributionRecord attribution = Scorer.score(row, Fixtures.lineage(datanets), book.rules());
        return Pricing.price(BilledUsage.of(row), attribution, book, PayeeTable.of(datanets));
    }

    private static PriceBook book(
            Rates rates, long fixedFee, int platformBps, Split split, Map<Bytes32, Address> owners) {
        return new PriceBook(
                Fixtures.word("book"),
                "{}",
                "test",
                Instant.EPOCH,
                "USDC",
                rates,
                Map.of(),
                Map.of(),
                fixedFee,
                platformBps,
                split,
                owners,
                Fixtures.address("operator"),
                Fixtures.address("platform"),
                Fixtures.address("treasury"),
                Fixtures.address("pools"),
                RULES);
    }
}
