package org.openlora.meter.evidence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.usage.AdapterUsage;
import org.openlora.meter.usage.LineageShare;
import org.openlora.meter.usage.UsageRow;

class ScorerTest {
    private static final AttributionRules RULES = new AttributionRules(700_000, 4, 8, 1_000_000);
    private static final int[] NO_PROMPT = {};

    @Test
    void score_coveredToken_splitsEvidenceAndPrior() {
        Datanet poems = Fixtures.datanet("poems", 2, List.of(new int[] {1, 2, 3, 4}, new int[] {5, 6, 7, 8}));
        AttributionRecord record =
                score(List.of(poems), List.of(adapter("a", poems)), NO_PROMPT, new int[] {9, 2, 3, 4, 9}, RULES);

        assertThat(record.owners()).containsExactly(-1, 0, 0, 0, -1);
        assertThat(shareOf(
                        record,
                        1,
                        Target.contributor(0, poems.contributors().get(0).hash())))
                .isEqualTo(700_000);
        assertThat(shareOf(record, 1, Target.pool(0))).isEqualTo(300_000);
        assertThat(shareOf(record, 0, Target.pool(0))).isEqualTo(1_000_000);
        assertThat(record.evidenceTokens()).isEqualTo(3);
    }

    @Test
    void score_echoOfThePrompt_paysNobodyByEvidence() {
        Datanet poems = Fixtures.datanet("poems", 1, List.of(new int[] {1, 2, 3, 4, 5}));
        AttributionRecord record =
                score(List.of(poems), List.of(adapter("a", poems)), new int[] {8, 2, 3, 4}, new int[] {2, 3, 4}, RULES);

        assertThat(record.owners()).containsExactly(-2, -2, -2);
        assertThat(record.targets()).containsExactly(Target.pool(0));
    }

    @Test
    void score_copiedRows_payTheFirstRegisteredAlone() {
        int[] text = {1, 2, 3, 4};
        Datanet original = Fixtures.datanet("original", 1, List.of(text));
        Datanet copy = Fixtures.datanet("copy", 1, List.of(text, new int[] {5, 5, 5}));
        AdapterUsage adapter = Fixtures.adapter(
                "a", 1_000_000, new LineageShare(original.digest(), 5_000), new LineageShare(copy.digest(), 5_000));
        AttributionRecord record = score(List.of(original, copy), List.of(adapter), NO_PROMPT, text, RULES);

        assertThat(record.spans().getFirst().sources()).containsExactly(new Source(0, 0));
        assertThat(shareOf(
                        record,
                        0,
                        Target.contributor(1, copy.contributors().getFirst().hash())))
                .isZero();
    }

    @Test
    void score_firstVersion_moreSourcesThanTheCap_cutGoesToThePool() {
        Datanet poems = Fixtures.datanet(
                "poems", 4, List.of(new int[] {1, 2, 3, 9}, new int[] {1, 2, 3, 8}, new int[] {1, 2, 3, 7}, new int[] {
                    1, 2, 3, 6
                }));
        AttributionRules rules = new AttributionRules(800_000, 2, 3, 1_000_000);
        AttributionRecord record = score(
                ScorerVersion.V1, List.of(poems), List.of(adapter("a", poems)), NO_PROMPT, new int[] {1, 2, 3}, rules);

        assertThat(record.spans().getFirst().sourceCount()).isEqualTo(4);
        assertThat(record.spans().getFirst().sources()).hasSize(3);
        assertThat(shareOf(
                        record,
                        0,
                        Target.contributor(0, poems.contributors().get(2).hash())))
                .isEqualTo(200_000);
        assertThat(shareOf(
                        record,
                        0,
                        Target.contributor(0, poems.contributors().get(3).hash())))
                .isZero();
        assertThat(shareOf(record, 0, Target.pool(0))).isEqualTo(400_000);
    }

    @Test
    void score_severalRowsHoldASpan_eachBringsLessThanTheWholeDivided() {
        Datanet poems = Fixtures.datanet(
                "poems", 4, List.of(new int[] {1, 2, 3, 9}, new int[] {1, 2, 3, 8}, new int[] {1, 2, 3, 7}, new int[] {
                    1, 2, 3, 6
                }));
        AttributionRules rules = new AttributionRules(800_000, 2, 3, 1_000_000);
        AttributionRecord record =
                score(List.of(poems), List.of(adapter("a", poems)), NO_PROMPT, new int[] {1, 2, 3}, rules);

        // 800,000 / 2³ for each of the first three; the pool has its prior and the rest.
        assertThat(shareOf(
                        record,
                        0,
                        Target.contributor(0, poems.contributors().get(0).hash())))
                .isEqualTo(100_000);
        assertThat(shareOf(
                        record,
                        0,
                        Target.contributor(0, poems.contributors().get(3).hash())))
                .isZero();
        assertThat(shareOf(record, 0, Target.pool(0))).isEqualTo(700_000);
    }

    @Test
    void score_passageOfAnEarlierDatanetInALongerRow_isTheEarlierOnes() {
        Datanet original = Fixtures.datanet("original", 1, List.of(new int[] {1, 2, 3, 4, 5, 6}));
        Datanet excerpt = Fixtures.datanet("excerpt", 1, List.of(new int[] {7, 8, 1, 2, 3, 4, 5, 6, 9, 7, 8}));
        AdapterUsage adapter = Fixtures.adapter(
                "a", 1_000_000, new LineageShare(original.digest(), 5_000), new LineageShare(excerpt.digest(), 5_000));
        int[] output = {1, 2, 3, 4, 5, 6, 9};
        AttributionRecord record = score(List.of(original, excerpt), List.of(adapter), NO_PROMPT, output, RULES);

        assertThat(record.owners()).containsExactly(0, 0, 0, 0, 0, 0, -1);
        assertThat(record.spans().getFirst().sources()).containsExactly(new Source(0, 0));
        AttributionRecord first =
                score(ScorerVersion.V1, List.of(original, excerpt), List.of(adapter), NO_PROMPT, output, RULES);
        assertThat(first.spans().getFirst().sources()).containsExactly(new Source(1, 0));
    }

    @Test
    void score_copies_changeNoShareOfAnybody() {
        Random random = new Random(3);
        for (int round = 0; round < 100; round++) {
            Datanet poems = Fixtures.datanet("poems", 3, Fixtures.randomRows(random, 5, 5));
            Datanet copy = Fixtures.datanet(
                    "copy",
                    2,
                    poems.rows().stream()
                            .map(row -> Fixtures.ENCODER.encode(row.text()))
                            .toList());
            AdapterUsage adapter = Fixtures.adapter(
                    "a", 1_000_000, new LineageShare(poems.digest(), 5_000), new LineageShare(copy.digest(), 5_000));
            AdapterUsage alone = Fixtures.adapter(
                    "a",
                    1_000_000,
                    new LineageShare(poems.digest(), 5_000),
                    new LineageShare(Fixtures.word("x"), 5_000));
            int[] output = Fixtures.random(random, 20, 5);
            AttributionRecord with = score(List.of(poems, copy), List.of(adapter), NO_PROMPT, output, RULES);
            AttributionRecord without = score(List.of(poems), List.of(alone), NO_PROMPT, output, RULES);
            assertThat(with.owners()).isEqualTo(without.owners());
            assertThat(with.rarity()).isEqualTo(without.rarity());
            for (Target target : with.targets()) {
                if (target.kind() == Target.Kind.CONTRIBUTOR) {
                    assertThat(total(with, target)).isEqualTo(total(without, target));
                }
            }
        }
    }

    private static long total(AttributionRecord record, Target target) {
        int index = record.targets().indexOf(target);
        return index < 0 ? 0 : record.totals().get(index);
    }

    @Test
    void score_contributorBeyondTheCap_excessGoesToThePool() {
        Datanet poems = Fixtures.datanet("poems", 1, List.of(new int[] {1, 2, 3, 4}));
        AttributionRules rules = new AttributionRules(1_000_000, 4, 8, 250_000);
        AttributionRecord record =
                score(List.of(poems), List.of(adapter("a", poems)), NO_PROMPT, new int[] {1, 2, 3, 4}, rules);

        assertThat(record.totals()).containsExactly(1_000_000L, 3_000_000L);
        assertThat(record.targets().get(1)).isEqualTo(Target.pool(0));
    }

    @Test
    void score_missingDatanet_isTheTreasurys() {
        Datanet poems = Fixtures.datanet("poems", 1, List.of(new int[] {1, 2, 3, 4}));
        AdapterUsage adapter = Fixtures.adapter(
                "a",
                1_000_000,
                new LineageShare(poems.digest(), 2_500),
                new LineageShare(Fixtures.word("retired"), 7_500));
        AttributionRecord record = score(List.of(poems), List.of(adapter), NO_PROMPT, new int[] {9, 9}, RULES);

        assertThat(record.datanets().get(1).searched()).isFalse();
        assertThat(shareOf(record, 0, Target.pool(0))).isEqualTo(250_000);
        assertThat(shareOf(record, 0, Target.treasury(1))).isEqualTo(750_000);
    }

    @Test
    void score_severalAdapters_weighByTheSizeOfTheirScales() {
        Datanet poems = Fixtures.datanet("poems", 1, List.of(new int[] {1, 2, 3, 4}));
        AdapterUsage with = Fixtures.adapter("a", -3_000_000, new LineageShare(poems.digest(), 10_000));
        AdapterUsage without = Fixtures.adapter("b", 1_000_000);
        AttributionRecord record = score(List.of(poems), List.of(with, without), NO_PROMPT, new int[] {9}, RULES);

        assertThat(shareOf(record, 0, Target.pool(0))).isEqualTo(750_000);
        assertThat(shareOf(record, 0, Target.treasury(Target.NO_DATANET))).isEqualTo(250_000);
    }

    @Test
    void score_bareBaseOrNoTokens_totalsAreOneWhole() {
        AttributionRecord bare = score(List.of(), List.of(), NO_PROMPT, new int[] {1, 2}, RULES);
        assertThat(bare.targets()).containsExactly(Target.treasury(Target.NO_DATANET));
        assertThat(bare.totals()).containsExactly(2_000_000L);

        AttributionRecord empty = score(List.of(), List.of(), NO_PROMPT, new int[] {}, RULES);
        assertThat(empty.totals()).containsExactly(1_000_000L);
    }

    @ParameterizedTest
    @EnumSource(ScorerVersion.class)
    void score_randomRequests_conserveAndSurviveTheirBytes(ScorerVersion version) {
        Random random = new Random(6);
        for (int round = 0; round < 1_500; round++) {
            int alphabet = 2 + random.nextInt(6);
            List<Datanet> datanets = new ArrayList<>();
            List<AdapterUsage> adapters = new ArrayList<>();
            for (int d = 0; d < random.nextInt(4); d++) {
                List<int[]> rows = Fixtures.randomRows(random, 1 + random.nextInt(6), alphabet);
                datanets.add(Fixtures.datanet("datanet-" + d, 1 + random.nextInt(4), rows));
                int bps = 1 + random.nextInt(9_999);
                adapters.add(Fixtures.adapter(
                        "adapter-" + d,
                        random.nextInt(-2_000_000, 2_000_000),
                        new LineageShare(datanets.get(d).digest(), bps),
                        new LineageShare(Fixtures.word("missing" + d % 2), 10_000 - bps)));
            }
            AttributionRules rules = new AttributionRules(
                    random.nextInt(1_000_001), 1 + random.nextInt(8), 1 + random.nextInt(3), random.nextInt(1_000_001));
            int[] output = Fixtures.random(random, random.nextInt(30), alphabet);
            AttributionRecord record = score(
                    version, datanets, adapters, Fixtures.random(random, random.nextInt(8), alphabet), output, rules);

            assertThat(record.totals().stream().mapToLong(Long::longValue).sum())
                    .isEqualTo(record.wholePpm());
            assertThat(record.wholePpm()).isEqualTo(1_000_000L * Math.max(1, output.length));
            long cap = (long) rules.contributorCapPpm() * Math.max(1, output.length);
            for (int i = 0; i < record.targets().size(); i++) {
                if (record.targets().get(i).kind() == Target.Kind.CONTRIBUTOR) {
                    assertThat(record.totals().get(i)).isBetween(0L, cap);
                }
            }
            for (int t = 0; t < output.length; t++) {
                assertThat(record.sharesOf(t).sharesPpm().stream()
                                .mapToInt(Integer::intValue)
                                .sum())
                        .isEqualTo(1_000_000);
            }
            assertThat(AttributionRecord.ofBytes(record.bytes())).isEqualTo(record);
        }
    }

    @Test
    void ofBytes_anyCut_isRefused() {
        Datanet poems = Fixtures.datanet("poems", 1, List.of(new int[] {1, 2, 3, 4}));
        byte[] bytes = score(List.of(poems), List.of(adapter("a", poems)), NO_PROMPT, new int[] {1, 2, 3}, RULES)
                .bytes();
        for (int length = 0; length < bytes.length; length++) {
            byte[] cut = Arrays.copyOf(bytes, length);
            assertThatThrownBy(() -> AttributionRecord.ofBytes(cut)).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> AttributionRecord.ofBytes(Arrays.copyOf(bytes, bytes.length + 1)))
                .hasMessage("attribution record: 1 bytes behind its end");
    }

    private static AdapterUsage adapter(String name, Datanet datanet) {
        return Fixtures.adapter(name, 1_000_000, new LineageShare(datanet.digest(), 10_000));
    }

    private static AttributionRecord score(
            List<Datanet> datanets, List<AdapterUsage> adapters, int[] prompt, int[] output, AttributionRules rules) {
        return score(ScorerVersion.CURRENT, datanets, adapters, prompt, output, rules);
    }

    private static AttributionRecord score(
            ScorerVersion version,
            List<Datanet> datanets,
            List<AdapterUsage> adapters,
            int[] prompt,
            int[] output,
            AttributionRules rules) {
        UsageRow row = Fixtures.row("request", adapters, prompt, output, 0, Fixtures.versions(datanets, version));
        return Scorer.score(row, Fixtures.lineage(datanets, version), rules);
    }

    private static int shareOf(AttributionRecord record, int token, Target target) {
        Distribution shares = record.sharesOf(token);
        int place = shares.targets().indexOf(record.targets().indexOf(target));
        return place < 0 ? 0 : shares.sharesPpm().get(place);
    }
}
