package org.openlora.meter.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evidence.NaiveMatcher;

class SuffixIndexTest {
    @Test
    void maximalMatches_randomRows_areThoseOfTheNaiveMatcher() {
        Random random = new Random(4);
        for (int round = 0; round < 2_000; round++) {
            int alphabet = 2 + random.nextInt(4);
            List<int[]> rows = Fixtures.randomRows(random, 1 + random.nextInt(6), alphabet);
            int[] query = Fixtures.random(random, random.nextInt(30), alphabet + 1);
            int from = query.length == 0 ? 0 : random.nextInt(query.length);
            int to = from + (query.length == from ? 0 : random.nextInt(query.length - from + 1));
            SuffixIndex index = SuffixIndex.of(rows);
            List<SuffixIndex.Match> matches = index.maximalMatches(query, from, to);
            assertThat(matches).isEqualTo(NaiveMatcher.maximalMatches(rows, query, from, to));
            for (SuffixIndex.Match match : matches) {
                assertThat(index.rowsOf(query, match)).isEqualTo(NaiveMatcher.rowsOf(rows, query, match));
            }
        }
    }

    @Test
    void maximalMatches_pieceOfTwoRows_neverCrossesTheirBorder() {
        SuffixIndex index = SuffixIndex.of(List.of(new int[] {1, 2, 3}, new int[] {4, 5, 6}));
        assertThat(index.maximalMatches(new int[] {2, 3, 4, 5}, 0, 4))
                .containsExactly(new SuffixIndex.Match(0, 2), new SuffixIndex.Match(2, 2));
    }

    @Test
    void rowsOf_manyRows_findsEveryOne() {
        List<int[]> rows = new ArrayList<>(Collections.nCopies(1_000, new int[] {7, 8, 9}));
        rows.add(new int[] {7, 8});
        SuffixIndex index = SuffixIndex.of(rows);
        int[] query = {0, 7, 8, 9};
        assertThat(index.rowsOf(query, new SuffixIndex.Match(1, 3))).hasSize(1_000);
        assertThat(index.rowsOf(query, new SuffixIndex.Match(1, 2))).hasSize(1_001);
    }

    @Test
    void of_negativeToken_isRefused() {
        assertThatThrownBy(() -> SuffixIndex.of(List.of(new int[] {1}, new int[] {-3})))
                .hasMessage("row 1 holds a negative token id: -3");
    }
}
