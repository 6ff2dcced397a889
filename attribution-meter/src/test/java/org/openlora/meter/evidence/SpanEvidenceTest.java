package org.openlora.meter.evidence;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.exact.FixedPointLog2;

class SpanEvidenceTest {
    @Test
    void find_randomCorpora_agreesWithTheDefinition() {
        Random random = new Random(5);
        int covered = 0;
        int echoes = 0;
        int several = 0;
        for (int round = 0; round < 1_000; round++) {
            int alphabet = 2 + random.nextInt(5);
            List<Datanet> datanets = new ArrayList<>();
            List<List<int[]>> rows = new ArrayList<>();
            for (int d = 0; d < 1 + random.nextInt(3); d++) {
                rows.add(Fixtures.randomRows(random, 1 + random.nextInt(5), alphabet));
                datanets.add(Fixtures.datanet("datanet-" + d, 1 + random.nextInt(3), rows.get(d)));
            }
            LineageCorpora lineage = Fixtures.lineage(datanets);
            int[] prompt = Fixtures.random(random, random.nextInt(12), alphabet + 1);
            int[] output = Fixtures.random(random, random.nextInt(30), alphabet + 1);
            int bits = 1 + random.nextInt(12);

            SpanEvidence evidence = SpanEvidence.find(prompt, output, lineage, bits);

            for (int t = 0; t < output.length; t++) {
                check(t, evidence, prompt, output, rows, datanets, lineage.rarity(), bits);
                covered += evidence.owners().get(t) >= 0 ? 1 : 0;
                echoes += evidence.owners().get(t) == SpanEvidence.ECHO ? 1 : 0;
            }
            several += evidence.spans().stream().anyMatch(span -> span.sources().size() > 1) ? 1 : 0;
            assertThat(new HashSet<>(evidence.owners())).containsAll(indices(evidence));
        }
        assertThat(covered).isGreaterThan(1_500);
        assertThat(echoes).isGreaterThan(300);
        assertThat(several).isGreaterThan(100);
    }

    private static Set<Integer> indices(SpanEvidence evidence) {
        Set<Integer> indices = new HashSet<>();
        for (int i = 0; i < evidence.spans().size(); i++) {
            indices.add(i);
        }
        return indices;
    }

    /// The rule of one token, by trying every piece of the output.
    private static void check(
            int token,
            SpanEvidence evidence,
            int[] prompt,
            int[] output,
            List<List<int[]>> rows,
            List<Datanet> datanets,
            RarityTable rarity,
            int bits) {
        boolean[] echo = echoes(prompt, output, rarity, bits);
        int owner = evidence.owners().get(token);
        if (echo[token]) {
            assertThat(owner).isEqualTo(SpanEvidence.ECHO);
            return;
        }
        int bestStart = -1;
        int bestLength = 0;
        long bestRarity = 0;
        for (int start = 0; start <= token; start++) {
            for (int end = token + 1; end <= output.length; end++) {
                long cost = cost(output, start, end, rarity);
                if (!touches(echo, start, end)
                        && cost >= (long) bits * FixedPointLog2.ONE
                        && isMaximalInSome(rows, output, start, end, echo)
                        && (end - start > bestLength || (end - start == bestLength && cost > bestRarity))) {
                    bestStart = start;
                    bestLength = end - start;
                    bestRarity = cost;
                }
            }
        }
        if (bestStart < 0) {
            assertThat(owner).isEqualTo(SpanEvidence.PRIOR);
            return;
        }
        SpanEvidence.Span span = evidence.spans().get(owner);
        assertThat(span.start()).isEqualTo(bestStart);
        assertThat(span.length()).isEqualTo(bestLength);
        assertThat(span.rarity()).isEqualTo(bestRarity);
        assertThat(span.sources()).isEqualTo(sources(rows, datanets, output, bestStart, bestStart + bestLength));
    }

    private static boolean[] echoes(int[] prompt, int[] output, RarityTable rarity, int bits) {
        boolean[] echo = new boolean[output.length];
        for (int start = 0; start < output.length; start++) {
            for (int end = start + 1; end <= output.length; end++) {
                if (NaiveMatcher.occurs(prompt, output, start, end)
                        && cost(output, start, end, rarity) >= (long) bits * FixedPointLog2.ONE) {
                    Arrays.fill(echo, start, end, true);
                }
            }
        }
        return echo;
    }

    private static boolean touches(boolean[] echo, int start, int end) {
        for (int i = start; i < end; i++) {
            if (echo[i]) {
                return true;
            }
        }
        return false;
    }

    private static boolean isMaximalInSome(
            List<List<int[]>> corpora, int[] output, int start, int end, boolean[] echo) {
        return corpora.stream()
                .anyMatch(rows -> NaiveMatcher.occurs(rows, output, start, end)
                        && !(start > 0 && !echo[start - 1] && NaiveMatcher.occurs(rows, output, start - 1, end))
                        && !(end < output.length && !echo[end] && NaiveMatcher.occurs(rows, output, start, end + 1)));
    }

    private static long cost(int[] output, int start, int end, RarityTable rarity) {
        long cost = 0;
        for (int i = start; i < end; i++) {
            cost += rarity.cost(output[i]);
        }
        return cost;
    }

    /// The first row, over all datanets, with the text of each row that holds the piece.
    private static List<Source> sources(
            List<List<int[]>> corpora, List<Datanet> datanets, int[] output, int start, int end) {
        Set<Source> sources = new TreeSet<>();
        for (int d = 0; d < corpora.size(); d++) {
            for (int r = 0; r < corpora.get(d).size(); r++) {
                if (NaiveMatcher.occurs(corpora.get(d).get(r), output, start, end)) {
                    sources.add(first(datanets, datanets.get(d).rows().get(r).text()));
                }
            }
        }
        return List.copyOf(sources);
    }

    private static Source first(List<Datanet> datanets, String text) {
        for (int d = 0; d < datanets.size(); d++) {
            for (int r = 0; r < datanets.get(d).rows().size(); r++) {
                if (datanets.get(d).rows().get(r).text().equals(text)) {
                    return new Source(d, r);
                }
            }
        }
        throw new AssertionError("no row holds " + text);
    }
}
