package org.openlora.meter.evidence;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.duplicates.Shingles;
import org.openlora.meter.exact.FixedPointLog2;

class SpanEvidenceTest {
    @ParameterizedTest
    @EnumSource(ScorerVersion.class)
    void find_randomCorpora_agreesWithTheDefinition(ScorerVersion version) {
        Random random = new Random(5);
        int excerpts = 0;
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
            LineageCorpora lineage = Fixtures.lineage(datanets, version);
            int[] prompt = Fixtures.random(random, random.nextInt(12), alphabet + 1);
            int[] output = Fixtures.random(random, random.nextInt(30), alphabet + 1);
            int bits = 1 + random.nextInt(12);

            SpanEvidence evidence = SpanEvidence.find(prompt, output, lineage, bits);

            List<SpanEvidence.Span> all =
                    candidates(prompt, output, rows, originals(datanets, version), lineage.rarity(), bits);
            List<SpanEvidence.Span> counted =
                    switch (version) {
                        case V1 -> all;
                        case V2 -> originals(all, prompt, output, lineage.rarity(), bits);
                    };
            excerpts += all.size() - counted.size();
            boolean[] echo = echoes(prompt, output, lineage.rarity(), bits);
            for (int t = 0; t < output.length; t++) {
                check(t, evidence, echo, counted);
                covered += evidence.owners().get(t) >= 0 ? 1 : 0;
                echoes += evidence.owners().get(t) == SpanEvidence.ECHO ? 1 : 0;
            }
            several += evidence.spans().stream().anyMatch(span -> span.sources().size() > 1) ? 1 : 0;
            assertThat(new HashSet<>(evidence.owners())).containsAll(indices(evidence));
        }
        assertThat(covered).isGreaterThan(1_000);
        assertThat(echoes).isGreaterThan(300);
        assertThat(excerpts).matches(count -> version == ScorerVersion.V1 ? count == 0 : count > 300);
        assertThat(several).isGreaterThan(50);
    }

    private static Set<Integer> indices(SpanEvidence evidence) {
        Set<Integer> indices = new HashSet<>();
        for (int i = 0; i < evidence.spans().size(); i++) {
            indices.add(i);
        }
        return indices;
    }

    /// The rule of one token: of all spans that count, the one that takes precedence.
    private static void check(int token, SpanEvidence evidence, boolean[] echo, List<SpanEvidence.Span> counted) {
        int owner = evidence.owners().get(token);
        Optional<SpanEvidence.Span> best = counted.stream()
                .filter(span -> span.start() <= token && token < span.end())
                .max(Comparator.comparingInt(SpanEvidence.Span::length)
                        .thenComparingLong(SpanEvidence.Span::rarity)
                        .thenComparing(SpanEvidence.Span::start, Comparator.reverseOrder()));
        if (echo[token]) {
            assertThat(owner).isEqualTo(SpanEvidence.ECHO);
        } else if (best.isEmpty()) {
            assertThat(owner).isEqualTo(SpanEvidence.PRIOR);
        } else {
            assertThat(evidence.spans().get(owner)).isEqualTo(best.get());
        }
    }

    /// Every piece of the output that is a span, found by trying all.
    private static List<SpanEvidence.Span> candidates(
            int[] prompt,
            int[] output,
            List<List<int[]>> rows,
            Map<Source, Source> originals,
            RarityTable rarity,
            int bits) {
        boolean[] echo = echoes(prompt, output, rarity, bits);
        List<SpanEvidence.Span> spans = new ArrayList<>();
        for (int start = 0; start < output.length; start++) {
            for (int end = start + 1; end <= output.length; end++) {
                long cost = cost(output, start, end, rarity);
                if (!touches(echo, start, end)
                        && cost >= (long) bits * FixedPointLog2.ONE
                        && isMaximalInSome(rows, output, start, end, echo)) {
                    spans.add(new SpanEvidence.Span(
                            start, end - start, cost, sources(rows, originals, output, start, end, echo)));
                }
            }
        }
        return spans;
    }

    /// Version 2: the spans without the excerpts, datanet by datanet, the prompt before the first.
    private static List<SpanEvidence.Span> originals(
            List<SpanEvidence.Span> all, int[] prompt, int[] output, RarityTable rarity, int bits) {
        Set<Integer> earlier = new HashSet<>();
        for (int start = 0; start < output.length; start++) {
            for (int end = start + 1; end <= output.length; end++) {
                if (NaiveMatcher.occurs(prompt, output, start, end)
                        && 2 * cost(output, start, end, rarity) >= (long) bits * FixedPointLog2.ONE) {
                    IntStream.range(start, end).forEach(earlier::add);
                }
            }
        }
        List<SpanEvidence.Span> originals = new ArrayList<>();
        for (int datanet = 0; datanet < 3; datanet++) {
            Set<Integer> now = Set.copyOf(earlier);
            for (SpanEvidence.Span span : all) {
                int held = (int) IntStream.range(span.start(), span.end())
                        .filter(now::contains)
                        .count();
                if (span.sources().getFirst().datanet() == datanet && held < span.length() - held) {
                    int first = datanet;
                    originals.add(new SpanEvidence.Span(
                            span.start(),
                            span.length(),
                            span.rarity(),
                            span.sources().stream()
                                    .filter(source -> source.datanet() == first)
                                    .toList()));
                    IntStream.range(span.start(), span.end()).forEach(earlier::add);
                }
            }
        }
        return originals;
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

    /// The originals of the rows that hold the piece, of the datanets in which it
    /// cannot be made longer.
    private static List<Source> sources(
            List<List<int[]>> corpora,
            Map<Source, Source> originals,
            int[] output,
            int start,
            int end,
            boolean[] echo) {
        Set<Source> sources = new TreeSet<>();
        for (int d = 0; d < corpora.size(); d++) {
            if (!isMaximalInSome(List.of(corpora.get(d)), output, start, end, echo)) {
                continue;
            }
            for (int r = 0; r < corpora.get(d).size(); r++) {
                if (NaiveMatcher.occurs(corpora.get(d).get(r), output, start, end)) {
                    Source here = new Source(d, r);
                    sources.add(originals.getOrDefault(here, here));
                }
            }
        }
        return List.copyOf(sources);
    }

    /// For each copy its original, by comparing it with every original before it.
    private static Map<Source, Source> originals(List<Datanet> datanets, ScorerVersion version) {
        Map<Source, String> kept = new LinkedHashMap<>();
        Map<Source, Source> originals = new HashMap<>();
        for (int d = 0; d < datanets.size(); d++) {
            for (int r = 0; r < datanets.get(d).rows().size(); r++) {
                Source here = new Source(d, r);
                String text = datanets.get(d).rows().get(r).text();
                kept.entrySet().stream()
                        .filter(other -> switch (version) {
                            case V1 -> other.getValue().equals(text);
                            case V2 -> Shingles.of(other.getValue()).isNear(Shingles.of(text));
                        })
                        .findFirst()
                        .ifPresentOrElse(other -> originals.put(here, other.getKey()), () -> kept.put(here, text));
            }
        }
        return originals;
    }
}
