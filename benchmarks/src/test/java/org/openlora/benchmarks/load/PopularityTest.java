package org.openlora.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class PopularityTest {
    @Test
    void choose_simplePopularities_areWhatTheySay() {
        assertThat(Popularity.NONE.choose(3, 0, 1))
                .containsOnly(Workload.NO_ADAPTER)
                .hasSize(3);
        assertThat(Popularity.IDENTICAL.choose(3, 9, 1)).containsExactly(0, 0, 0);
        assertThat(Popularity.DISTINCT.choose(5, 3, 1)).containsExactly(0, 1, 2, 0, 1);
    }

    @Test
    void choose_zipf_followsTheLaw() {
        int requests = 100_000;
        List<Long> counts = frequencies(Popularity.ZIPF.choose(requests, 64, 3));
        double harmonic = 0;
        for (int k = 1; k <= 64; k++) {
            harmonic += 1.0 / k;
        }
        assertThat(counts).hasSize(64);
        assertThat(counts.get(0) * harmonic / requests).isBetween(0.97, 1.03);
        assertThat(counts.get(9) * 10 * harmonic / requests).isBetween(0.9, 1.1);
    }

    @Test
    void choose_uniform_leavesNobodyOut() {
        List<Long> counts = frequencies(Popularity.UNIFORM.choose(64_000, 64, 3));
        assertThat(counts).hasSize(64);
        assertThat(counts.getFirst()).isLessThan(1_200);
        assertThat(counts.getLast()).isGreaterThan(800);
    }

    @Test
    void choose_sameSeed_isRepeatable() {
        List<Integer> first = Popularity.ZIPF.choose(50, 64, 7);
        List<Integer> again = Popularity.ZIPF.choose(50, 64, 7);
        assertThat(again).isEqualTo(first).isNotEqualTo(Popularity.ZIPF.choose(50, 64, 8));
    }

    @Test
    void choose_withoutAdapters_isRefused() {
        assertThatThrownBy(() -> Popularity.ZIPF.choose(1, 0, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("ZIPF");
    }

    private static List<Long> frequencies(List<Integer> adapters) {
        Map<Integer, Long> counts =
                adapters.stream().collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
        return counts.values().stream().sorted(Collections.reverseOrder()).toList();
    }
}
