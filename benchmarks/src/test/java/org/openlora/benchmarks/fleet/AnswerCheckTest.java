package org.openlora.benchmarks.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class AnswerCheckTest {
    @Test
    void differing_equalAnswers_isNone() {
        assertThat(AnswerCheck.differing(List.of("a", "b"), List.of("a", "b"))).isZero();
    }

    @Test
    void differing_otherTokensAndMissingOnes_countsEach() {
        assertThat(AnswerCheck.differing(List.of("a", "x", "c", "d"), List.of("a", "b", "c")))
                .isEqualTo(2);
    }

    @Test
    void takeOldest_afterTouching_isWhatNobodyAskedForLongest() {
        RecencyOrder order = new RecencyOrder(4);
        order.touch(0);
        assertThat(order.takeOldest(adapter -> adapter != 1)).isEqualTo(2);
        assertThat(order.takeOldest(adapter -> true)).isEqualTo(1);
        assertThat(order.takeOldest(adapter -> true)).isEqualTo(3);
        assertThat(order.takeOldest(adapter -> true)).isEqualTo(0);
    }
}
