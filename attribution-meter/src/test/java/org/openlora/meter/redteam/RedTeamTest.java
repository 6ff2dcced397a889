package org.openlora.meter.redteam;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evidence.ScorerVersion;
import org.openlora.meter.redteam.GainTable.Gain;
import org.openlora.meter.redteam.Market.Income;
import org.openlora.meter.redteam.Market.Request;
import org.openlora.meter.redteam.Market.Writer;

/// Each attack against what honest registration gives: the income of the attacker's accounts by evidence, over the
/// same requests. Evidence must not gain at all, exactly; money not more than its last rounding, one pico-unit a
/// payment.
class RedTeamTest {
    private static final int WORDS = 60;
    private static final int REQUESTS = 60;
    private static final int[] NO_PROMPT = {};
    private static final GainTable TABLE = new GainTable();

    private final Random random = new Random(20);
    private final List<int[]> victims = Market.texts(random, 60, WORDS);
    private final List<int[]> own = Market.texts(random, 30, WORDS);

    @AfterAll
    static void writeTable() {
        TABLE.write();
    }

    @Test
    void duplicateUpload() {
        List<Request> requests = answers(both());
        expectNoGain(
                "duplicate upload: others' rows and his own three times",
                market(requests, others(), attacker(own)),
                market(requests, others(), attacker(both(), own, own)));
    }

    @Test
    void nearDuplicate_everyFortiethWordChanged() {
        List<Request> requests = answers(both());
        List<int[]> edited = edited(both(), 40);
        expectNoGain(
                "near-duplicates: every 40th word of others' rows and of his own changed",
                market(requests, others(), attacker(own)),
                market(requests, others(), attacker(own, edited)));
    }

    @Test
    void excerpts_inRowsOfJunk_withTheNextWordsGuessed() {
        List<Request> requests = answers(victims);
        // Each answer's passage of a victim with the words that follow it in the answer, amid words of his own.
        List<int[]> excerpts = requests.stream()
                .map(request -> Market.join(
                        Market.text(random, 40),
                        Arrays.copyOfRange(request.output(), 0, request.output().length - 2),
                        Market.text(random, 40)))
                .toList();
        expectNoGain(
                "excerpts of others' rows, continued by guesses, inside longer rows",
                market(requests, others(), attacker(own)),
                market(requests, others(), attacker(own, excerpts)));
    }

    @Test
    void accountSplit() {
        // Whole rows of his alone, so that the contributor cap binds.
        List<Request> requests = IntStream.range(0, REQUESTS)
                .mapToObj(i ->
                        new Request(NO_PROMPT, Market.join(own.get(i % own.size()), own.get((i * 7 + 3) % own.size()))))
                .toList();
        List<Writer> accounts = IntStream.range(0, own.size())
                .mapToObj(i -> Market.writer(Market.ATTACKER + i, List.of(own.get(i))))
                .toList();
        expectNoGain(
                "account split: one account for each of 30 rows",
                market(requests, others(), attacker(own)),
                market(requests, others(), Market.datanet("his", accounts)));
    }

    @Test
    void datanetSplit() {
        List<Request> requests = IntStream.range(0, REQUESTS)
                .mapToObj(i -> new Request(NO_PROMPT, Market.join(own.get(i % 15), own.get(15 + i % 15))))
                .toList();
        Datanet first = Market.datanet("his first", List.of(Market.writer(Market.ATTACKER, own.subList(0, 15))));
        Datanet second = Market.datanet("his second", List.of(Market.writer(Market.ATTACKER, own.subList(15, 30))));
        expectNoGain(
                "account split: rows over two datanets",
                market(requests, others(), attacker(own)),
                market(requests, others(), first, second));
    }

    @Test
    void boilerplateStuffing() {
        List<int[]> phrases = Market.texts(random, 6, 14);
        List<Request> requests = answers(phrases);
        Writer honest = Market.writer("honest", withPhrases(victims.subList(0, 6), phrases, 1));
        List<int[]> once = Stream.concat(
                        withPhrases(own.subList(0, 6), phrases, 1).stream(),
                        own.stream().skip(6))
                .toList();
        List<int[]> stuffed = withPhrases(own, phrases, phrases.size());
        Market before =
                market(requests, Market.datanet("shared", List.of(honest, Market.writer(Market.ATTACKER, once))));
        expectNoGain(
                "boilerplate stuffing: six phrases in each of 30 rows instead of in one row each",
                before,
                market(requests, Market.datanet("shared", List.of(honest, Market.writer(Market.ATTACKER, stuffed)))));
        Stream<Writer> accounts = IntStream.range(0, stuffed.size())
                .mapToObj(i -> Market.writer(Market.ATTACKER + i, List.of(stuffed.get(i))));
        expectNoGain(
                "boilerplate stuffing: the same, an account for each row",
                before,
                market(
                        requests,
                        Market.datanet(
                                "shared",
                                Stream.concat(Stream.of(honest), accounts).toList())));
    }

    /// What no rule of the scorer can tell from honest work: the limits that docs/attribution.md states.
    @Test
    void knownGain_registeringFirstWhatOthersWriteLater() {
        List<int[]> phrases = Market.texts(random, 6, 14);
        List<int[]> rows = withPhrases(victims, phrases, 1);
        List<Request> requests = answers(rows);
        Datanet later = Market.datanet("theirs", List.of(Market.writer("ada", rows)));
        Market honest = market(requests, later, attacker(own));
        Market attacked = market(requests, attacker(own, phrases), later);
        Gain current = gain(ScorerVersion.CURRENT, honest, attacked);
        TABLE.add(
                "known: six phrases registered before everybody else's rows",
                gain(ScorerVersion.V1, honest, attacked),
                current);
        BigInteger theirs =
                attacked.income(ScorerVersion.CURRENT, id -> id.equals("ada")).evidencePpm();
        // Those who wrote more around the phrases keep all but the phrases.
        assertThat(current.attacked().evidencePpm()).isPositive().isLessThan(theirs);
    }

    @Test
    void knownGain_junkThatMakesEverythingElseRare() {
        List<Request> requests = IntStream.range(0, REQUESTS)
                .mapToObj(_ -> new Request(NO_PROMPT, Market.answer(random, both(), 4, 5)))
                .toList();
        Market honest = market(requests, others(), attacker(own));
        Market attacked = market(requests, others(), attacker(own, junk(400)));
        Gain current = gain(ScorerVersion.CURRENT, honest, attacked);
        TABLE.add(
                "known: forty times as much junk, so that passages of five words pass",
                gain(ScorerVersion.V1, honest, attacked),
                current);
        assertThat(current.attacked().evidencePpm())
                .isLessThan(current.honest().evidencePpm().multiply(BigInteger.TEN));
    }

    /// Rows of words that nobody else uses.
    private List<int[]> junk(int rows) {
        return IntStream.range(0, rows)
                .mapToObj(_ -> random.ints(3L * WORDS, 10_000, 20_000).toArray())
                .toList();
    }

    @Test
    void promptEcho_ofHisOwnRows() {
        List<Request> honest = answers(own);
        List<Request> pasted = honest.stream()
                .map(request -> new Request(Market.join(own.toArray(int[][]::new)), request.output()))
                .toList();
        expectNoGain(
                "prompt echo: his rows pasted whole",
                market(honest, others(), attacker(own)),
                market(pasted, others(), attacker(own)));
        Income income = market(pasted, others(), attacker(own)).attackerIncome(ScorerVersion.CURRENT);
        assertThat(income.pico()).isZero();
    }

    @Test
    void promptEcho_withGaps_costsMoreThanItBrings() {
        List<Request> honest = answers(own);
        List<Request> pasted = honest.stream()
                .map(request -> new Request(edited(List.of(request.output()), 4).getFirst(), request.output()))
                .toList();
        Market attacked = market(pasted, others(), attacker(own));
        expectNoGain(
                "prompt echo: every fourth word left to the model", market(honest, others(), attacker(own)), attacked);
        Income income = attacked.attackerIncome(ScorerVersion.V1);
        // Even where it is not seen as an echo, he pays the whole price and gets a part of the contributors' part.
        assertThat(income.pico().multiply(BigInteger.valueOf(5))).isLessThan(income.spentPico());
    }

    @Test
    void groundDigests_saltsAndIds() {
        List<int[]> phrases = Market.texts(random, 3, 12);
        List<Request> requests = answers(phrases);
        List<int[]> first = withPhrases(victims.subList(0, 3), phrases, 1);
        List<int[]> second = withPhrases(victims.subList(3, 6), phrases, 1);
        List<int[]> his = withPhrases(own.subList(0, 3), phrases, 1);
        List<Market> ground = IntStream.range(0, 30)
                .mapToObj(i -> market(
                        requests,
                        Market.datanet(
                                "shared",
                                Fixtures.word("ground salt " + i),
                                List.of(
                                        Market.writer("honest", first),
                                        Market.writer("honest too", second),
                                        Market.writer(Market.ATTACKER + " " + i, his)))))
                .toList();
        Gain now = bestOverWorst(ground, ScorerVersion.CURRENT);
        TABLE.add(
                "ground digests: the best of 30 salts and ids over the worst",
                bestOverWorst(ground, ScorerVersion.V1),
                now);
        assertThat(now.attacked().evidencePpm()).isEqualTo(now.honest().evidencePpm());
        assertThat(now.attacked().pico().subtract(now.honest().pico()))
                .isLessThanOrEqualTo(BigInteger.valueOf(now.attacked().payments()));
    }

    private static Gain bestOverWorst(List<Market> ground, ScorerVersion version) {
        List<Income> incomes = ground.stream()
                .map(market -> market.attackerIncome(version))
                .sorted(Comparator.comparing(Income::pico))
                .toList();
        return new Gain(incomes.getFirst(), incomes.getLast());
    }

    private static void expectNoGain(String attack, Market honest, Market attacked) {
        Gain first = gain(ScorerVersion.V1, honest, attacked);
        Gain current = gain(ScorerVersion.CURRENT, honest, attacked);
        TABLE.add(attack, first, current);
        assertThat(current.attacked().evidencePpm())
                .as(attack)
                .isLessThanOrEqualTo(current.honest().evidencePpm());
        assertThat(current.attacked().pico())
                .as(attack)
                .isLessThanOrEqualTo(current.honest()
                        .pico()
                        .add(BigInteger.valueOf(current.attacked().payments())));
    }

    private static Gain gain(ScorerVersion version, Market honest, Market attacked) {
        return new Gain(honest.attackerIncome(version), attacked.attackerIncome(version));
    }

    private static Market market(List<Request> requests, Datanet... datanets) {
        return new Market(List.of(datanets), requests);
    }

    private Datanet others() {
        return Market.datanet(
                "theirs",
                List.of(Market.writer("ada", victims.subList(0, 30)), Market.writer("bo", victims.subList(30, 60))));
    }

    @SafeVarargs
    @SuppressWarnings("varargs") // reads the array and lets go of it
    private static Datanet attacker(List<int[]>... rows) {
        return Market.datanet(
                "his",
                List.of(Market.writer(
                        Market.ATTACKER,
                        Arrays.stream(rows).flatMap(List::stream).toList())));
    }

    private List<int[]> both() {
        return Stream.concat(victims.stream(), own.stream()).toList();
    }

    private List<Request> answers(List<int[]> rows) {
        return IntStream.range(0, REQUESTS)
                .mapToObj(_ -> new Request(NO_PROMPT, Market.answer(random, rows, 2, 20)))
                .toList();
    }

    /// The rows with every so many words another one.
    private List<int[]> edited(List<int[]> rows, int every) {
        return rows.stream()
                .map(row -> {
                    int[] changed = row.clone();
                    for (int i = every - 1; i < changed.length; i += every) {
                        changed[i] = Market.text(random, 1)[0];
                    }
                    return changed;
                })
                .toList();
    }

    /// The rows, each with so many of the phrases behind it, in turn.
    private List<int[]> withPhrases(List<int[]> rows, List<int[]> phrases, int count) {
        return IntStream.range(0, rows.size())
                .mapToObj(r -> {
                    int[] row = rows.get(r);
                    for (int p = 0; p < count; p++) {
                        row = Market.join(row, phrases.get((r + p) % phrases.size()), Market.text(random, 2));
                    }
                    return row;
                })
                .toList();
    }
}
