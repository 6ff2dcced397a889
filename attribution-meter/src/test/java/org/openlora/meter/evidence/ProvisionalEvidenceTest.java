package org.openlora.meter.evidence;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.exact.FixedPointLog2;

class ProvisionalEvidenceTest {
    @Test
    void next_randomAnswers_isTheLongestPieceEndingThere() {
        Random random = new Random(11);
        int spans = 0;
        int echoes = 0;
        for (int round = 0; round < 400; round++) {
            int alphabet = 2 + random.nextInt(5);
            List<Datanet> datanets = new ArrayList<>();
            List<List<int[]>> rows = new ArrayList<>();
            for (int d = 0; d < 1 + random.nextInt(3); d++) {
                rows.add(Fixtures.randomRows(random, 1 + random.nextInt(5), alphabet));
                datanets.add(Fixtures.datanet("datanet-" + d, 1 + random.nextInt(3), rows.get(d)));
            }
            LineageCorpora lineage = Fixtures.lineage(datanets);
            int[] prompt = Fixtures.random(random, random.nextInt(12), alphabet + 1);
            int[] output = Fixtures.random(random, random.nextInt(90), alphabet + 1);
            AttributionRules rules = new AttributionRules(700_000, 1 + random.nextInt(12), 2, 500_000);
            ProvisionalEvidence evidence = new ProvisionalEvidence(lineage, rules, prompt);
            int gap = random.nextInt(1, 200);
            int from = 0;
            for (int t = 0; t < output.length; t++) {
                if (t % gap == gap - 1) {
                    from = t + 1;
                    evidence.resume(from);
                    continue;
                }
                Optional<ProvisionalSpan> span = evidence.next(output[t]);
                int longest = longest(rows.stream().flatMap(List::stream).toList(), output, from, t);
                long cost = Arrays.stream(output, t + 1 - longest, t + 1)
                        .mapToLong(lineage.rarity()::cost)
                        .sum();
                boolean rare = cost >= (long) rules.rarityThresholdBits() * FixedPointLog2.ONE;
                boolean echo = longest(List.of(prompt), output, from, t) >= longest;
                assertThat(span.isPresent()).isEqualTo(rare && !echo);
                span.ifPresent(found -> {
                    assertThat(found.length()).isEqualTo(longest);
                    assertThat(found.rarity()).isEqualTo(cost);
                    assertThat(found.origins()).hasSize(Math.min(2, found.sourceCount()));
                });
                spans += span.isPresent() ? 1 : 0;
                echoes += rare && echo ? 1 : 0;
            }
            assertThat(evidence.size()).isEqualTo(output.length);
        }
        assertThat(spans).isGreaterThan(1_000);
        assertThat(echoes).isGreaterThan(200);
    }

    private static int longest(List<int[]> rows, int[] output, int from, int last) {
        int start = last + 1;
        while (start > from && NaiveMatcher.occurs(rows, output, start - 1, last + 1)) {
            start--;
        }
        return last + 1 - start;
    }
}
