package org.openlora.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class WorkloadTest {
    @Test
    void named_eachOfTheSix_hasItsStreamsRequestsAndAdapters() {
        assertThat(Workload.NAMES.stream().map(name -> Workload.named(name, 1)).map(WorkloadTest::shape))
                .containsExactly(
                        "B1 1 streams 4 requests 1 distinct 0 needed",
                        "W1 1 streams 4 requests 1 distinct 1 needed",
                        "W2 8 streams 16 requests 1 distinct 1 needed",
                        "W3 8 streams 16 requests 8 distinct 8 needed",
                        "W4 8 streams 32 requests 16 distinct 57 needed",
                        "W5 8 streams 16 requests 1 distinct 0 needed");
    }

    @Test
    void named_scaled_keepsTheFirstRequests() {
        assertThat(Workload.named("W4", 0.25).adapters()).containsExactly(12, 20, 10, 18, 10, 20, 55, 12);
        assertThat(Workload.named("B1", 0.01).adapters()).hasSize(1);
    }

    @Test
    void named_unknown_saysWhichThereAre() {
        assertThatThrownBy(() -> Workload.named("W9", 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("W9")
                .hasMessageContaining("W5");
    }

    @Test
    void firstBatch_fewerRequestsThanStreams_isAsManyAsStreams() {
        assertThat(new Workload("x", new Arrivals.ClosedLoop(3), List.of(5)).firstBatch())
                .isEqualTo(Collections.nCopies(3, 5));
        assertThat(new Workload("x", new Arrivals.OpenLoop(1, 1), List.of(5)).firstBatch())
                .isEmpty();
    }

    private static String shape(Workload workload) {
        return "%s %d streams %d requests %d distinct %d needed"
                .formatted(
                        workload.name(),
                        workload.firstBatch().size(),
                        workload.adapters().size(),
                        new HashSet<>(workload.adapters()).size(),
                        workload.adaptersNeeded());
    }
}
