package org.openlora.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PercentilesTest {
    @Test
    void at_hundredValues_isTheNearestRank() {
        Percentiles percentiles = new Percentiles(IntStream.rangeClosed(1, 100).mapToDouble(i -> 101 - i));
        assertThat(percentiles.at(0)).isEqualTo(1);
        assertThat(percentiles.at(50)).isEqualTo(50);
        assertThat(percentiles.at(99)).isEqualTo(99);
        assertThat(percentiles.max()).isEqualTo(100);
    }

    @Test
    void at_fewValues_takesOneOfThem() {
        Percentiles percentiles = new Percentiles(DoubleStream.of(3, 1, 2));
        assertThat(percentiles.at(50)).isEqualTo(2);
        assertThat(percentiles.at(99)).isEqualTo(3);
    }

    @Test
    void at_noValue_isZero() {
        assertThat(new Percentiles(DoubleStream.empty()).at(99)).isZero();
    }
}
