package org.openlora.meter.redteam;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.openlora.meter.datanet.Contributor;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.datanet.DatanetRow;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evidence.LineageCorpora;
import org.openlora.meter.evidence.Scorer;
import org.openlora.meter.evidence.ScorerVersion;
import org.openlora.meter.evidence.Target;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.pricing.BilledUsage;
import org.openlora.meter.pricing.PayeeTable;
import org.openlora.meter.pricing.PriceBook;
import org.openlora.meter.pricing.PricedUsage;
import org.openlora.meter.pricing.Pricing;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Role;
import org.openlora.meter.usage.AdapterUsage;
import org.openlora.meter.usage.LineageShare;
import org.openlora.meter.usage.UsageRow;

/// Datanets in the order of their registration, an adapter trained on all of them, and requests that it serves.
/// Words are numbers, as frequent as words are (Zipf).
///
/// @param datanets the lineage, in equal parts
/// @param requests the same for the honest and for the attacked market
record Market(List<Datanet> datanets, List<Request> requests) {
    static final String ATTACKER = "attacker";
    private static final int VOCABULARY = 4_000;
    private static final double ZIPF_SHIFT = 2.7;

    /// One request: what was asked and what was answered.
    @SuppressWarnings("ArrayRecordComponent") // Test data; never compared.
    record Request(int[] prompt, int[] output) {}

    /// What the attacker's accounts get by evidence.
    ///
    /// @param evidencePpm sum of their totals in the attribution records, exact
    /// @param pico payments of the receipts
    /// @param payments how many of them, each of which one rounding may raise by one pico-unit
    /// @param spentPico what all requests cost
    record Income(BigInteger evidencePpm, BigInteger pico, long payments, BigInteger spentPico) {
        static final Income NONE = new Income(BigInteger.ZERO, BigInteger.ZERO, 0, BigInteger.ZERO);

        Income plus(Income other) {
            return new Income(
                    evidencePpm.add(other.evidencePpm),
                    pico.add(other.pico),
                    payments + other.payments,
                    spentPico.add(other.spentPico));
        }
    }

    /// A contributor's rows.
    record Writer(String id, List<int[]> rows) {
        Writer {
            rows = List.copyOf(rows);
        }
    }

    static Writer writer(String id, List<int[]> rows) {
        return new Writer(id, rows);
    }

    static Datanet datanet(String id, List<Writer> writers) {
        return datanet(id, Fixtures.word("salt of " + id), writers);
    }

    static Datanet datanet(String id, Bytes32 salt, List<Writer> writers) {
        List<Contributor> people = new ArrayList<>();
        List<DatanetRow> rows = new ArrayList<>();
        for (Writer writer : writers) {
            people.add(new Contributor(
                    writer.id(), Contributor.hash(salt, writer.id()), writer.id(), Fixtures.address(writer.id())));
            for (int[] row : writer.rows()) {
                rows.add(new DatanetRow(people.size() - 1, null, Fixtures.text(row)));
            }
        }
        return Datanet.of(id, "1", id, "CC0-1.0", salt, people, rows);
    }

    /// Text of so many words.
    static int[] text(Random random, int words) {
        return IntStream.range(0, words)
                .map(_ -> (int) Math.min(VOCABULARY - 1, ZIPF_SHIFT * (Math.pow(VOCABULARY, random.nextDouble()) - 1)))
                .toArray();
    }

    static List<int[]> texts(Random random, int rows, int words) {
        return IntStream.range(0, rows).mapToObj(_ -> text(random, words)).toList();
    }

    static int[] join(int[]... parts) {
        return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
    }

    /// An answer that repeats passages of some rows, with words of its own between them.
    static int[] answer(Random random, List<int[]> rows, int passages, int words) {
        int[] answer = text(random, 4);
        for (int p = 0; p < passages; p++) {
            int[] row = rows.get(random.nextInt(rows.size()));
            int from = random.nextInt(Math.max(1, row.length - words));
            answer = join(answer, Arrays.copyOfRange(row, from, Math.min(row.length, from + words)), text(random, 4));
        }
        return answer;
    }

    /// What contributors whose id begins with "attacker" get for all requests.
    Income attackerIncome(ScorerVersion version) {
        return income(version, id -> id.startsWith(ATTACKER));
    }

    Income income(ScorerVersion version, Predicate<String> isOurs) {
        PriceBook book = priceBook();
        LineageCorpora lineage = Fixtures.lineage(datanets, version);
        PayeeTable payees = PayeeTable.of(datanets);
        Set<Bytes32> ours = new HashSet<>();
        for (Datanet datanet : datanets) {
            datanet.contributors().stream()
                    .filter(person -> isOurs.test(person.id()))
                    .forEach(person -> ours.add(person.hash()));
        }
        AdapterUsage adapter = Fixtures.adapter("adapter", 1_000_000, shares());
        Income sum = Income.NONE;
        for (int i = 0; i < requests.size(); i++) {
            Request request = requests.get(i);
            UsageRow row = Fixtures.row(
                    "request " + i,
                    List.of(adapter),
                    request.prompt(),
                    request.output(),
                    0,
                    Fixtures.versions(datanets, version));
            AttributionRecord record = Scorer.score(row, lineage, book.rules());
            sum = sum.plus(of(record, Pricing.price(BilledUsage.of(row), record, book, payees), ours));
        }
        return sum;
    }

    private LineageShare[] shares() {
        int part = 10_000 / datanets.size();
        return IntStream.range(0, datanets.size())
                .mapToObj(d -> new LineageShare(
                        datanets.get(d).digest(), d == 0 ? 10_000 - part * (datanets.size() - 1) : part))
                .toArray(LineageShare[]::new);
    }

    private static Income of(AttributionRecord record, PricedUsage priced, Set<Bytes32> ours) {
        BigInteger ppm = BigInteger.ZERO;
        for (int t = 0; t < record.targets().size(); t++) {
            Target target = record.targets().get(t);
            if (target.kind() == Target.Kind.CONTRIBUTOR && ours.contains(target.contributor())) {
                ppm = ppm.add(BigInteger.valueOf(record.totals().get(t)));
            }
        }
        List<Payment> payments = priced.payments().stream()
                .filter(payment -> payment.role() == Role.CONTRIBUTOR && ours.contains(payment.source()))
                .toList();
        return new Income(
                ppm,
                BigInteger.valueOf(payments.stream().mapToLong(Payment::amount).sum()),
                payments.size(),
                BigInteger.valueOf(priced.pricePico()));
    }

    private static PriceBook priceBook() {
        try {
            return PriceBook.read(Path.of(System.getProperty("openlora.root", ".."), "config", "pricebook.yaml"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
