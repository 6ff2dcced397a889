package org.openlora.meter.exact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LargestRemainderTest {
    @Test
    void split_equalRemainders_goToTheEarlier() {
        assertThat(LargestRemainder.split(10, weights(1, 1, 1))).containsExactly(4, 3, 3);
        assertThat(LargestRemainder.split(2, weights(1, 1, 1))).containsExactly(1, 1, 0);
    }

    @Test
    void split_largerRemainder_goesFirstWhereverItStands() {
        // 100 · (1/6, 2/6, 3/6) = 16⅔, 33⅓, 50
        assertThat(LargestRemainder.split(100, weights(1, 2, 3))).containsExactly(17, 33, 50);
    }

    @Test
    void split_randomWeights_sumsToTotalAndStaysWithinOneUnit() {
        Random random = new Random(1);
        for (int round = 0; round < 2_000; round++) {
            long total = round % 3 == 0 ? random.nextInt(20) : random.nextLong(Long.MAX_VALUE);
            List<BigInteger> weights = IntStream.rangeClosed(0, random.nextInt(12))
                    .mapToObj(i -> i == 0 ? BigInteger.ONE : new BigInteger(random.nextInt(200), random))
                    .toList();
            BigInteger sum = weights.stream().reduce(BigInteger.ZERO, BigInteger::add);
            long[] parts = LargestRemainder.split(total, weights);
            assertThat(Arrays.stream(parts).sum()).isEqualTo(total);
            for (int i = 0; i < parts.length; i++) {
                BigInteger exact = weights.get(i).multiply(BigInteger.valueOf(total));
                BigInteger error = BigInteger.valueOf(parts[i])
                        .multiply(sum)
                        .subtract(exact)
                        .abs();
                assertThat(error).isLessThan(sum);
            }
        }
    }

    @Test
    void split_nothingToSplitBy_isRefused() {
        assertThatThrownBy(() -> LargestRemainder.split(1, weights(0, 0)))
                .hasMessage("cannot split 1 units by weights that are all zero");
        assertThatThrownBy(() -> LargestRemainder.split(1, weights(2, -1))).hasMessageContaining("negative");
        assertThatThrownBy(() -> LargestRemainder.split(-1, weights(1))).hasMessageContaining("negative");
    }

    private static List<BigInteger> weights(long... weights) {
        return Arrays.stream(weights).mapToObj(BigInteger::valueOf).toList();
    }
}
