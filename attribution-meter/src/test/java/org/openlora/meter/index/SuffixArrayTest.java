package org.openlora.meter.index;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.files.Progress;

class SuffixArrayTest {
    @Test
    void build_randomTexts_sortsAllSuffixes() {
        Random random = new Random(3);
        for (int round = 0; round < 3_000; round++) {
            int[] text = Fixtures.random(random, random.nextInt(60), 1 + random.nextInt(5));
            assertThat(build(text)).as("of %s", Arrays.toString(text)).isEqualTo(sorted(text));
        }
    }

    @Test
    void build_repetitions_sortsAllSuffixes() {
        for (int period = 1; period < 12; period++) {
            for (int length = 0; length < 80; length++) {
                int[] text = new int[length];
                int symbols = period;
                Arrays.setAll(text, i -> i * 7 % symbols % 3);
                assertThat(build(text)).isEqualTo(sorted(text));
            }
        }
        int[] fibonacci = fibonacci(200);
        assertThat(build(fibonacci)).isEqualTo(sorted(fibonacci));
    }

    @Test
    void build_largeSymbols_sortsAllSuffixes() {
        int[] text = {2_000_000_000, 5, 2_000_000_000, 5, 7, Integer.MAX_VALUE - 1, 0};
        assertThat(build(text)).isEqualTo(sorted(text));
    }

    @Test
    void build_longText_neighboursAreInOrder() {
        int[] text = fibonacci(100_000);
        int[] suffixes = build(text);
        int[] ranks = new int[text.length + 1];
        Arrays.setAll(ranks, i -> -1);
        for (int i = 0; i < suffixes.length; i++) {
            ranks[suffixes[i]] = i;
        }
        assertThat(Arrays.stream(ranks).limit(text.length)).allMatch(rank -> rank >= 0);
        for (int i = 1; i < suffixes.length; i++) {
            // With equal first symbols the order is that of the suffixes one later.
            int a = suffixes[i - 1];
            int b = suffixes[i];
            assertThat(text[a] < text[b] || (text[a] == text[b] && ranks[a + 1] < ranks[b + 1]))
                    .isTrue();
        }
    }

    private static int[] build(int[] text) {
        return SuffixArray.build(text, Progress.NONE);
    }

    private static int[] sorted(int[] text) {
        Integer[] expected = new Integer[text.length];
        Arrays.setAll(expected, i -> i);
        Arrays.sort(expected, (a, b) -> Arrays.compare(text, a, text.length, text, b, text.length));
        return Arrays.stream(expected).mapToInt(Integer::intValue).toArray();
    }

    /// The Fibonacci word: as repetitive as a text can be without being periodic.
    private static int[] fibonacci(int length) {
        StringBuilder word = new StringBuilder("0");
        String before = "1";
        while (word.length() < length) {
            String now = word.toString();
            word.append(before);
            before = now;
        }
        return word.chars().limit(length).map(c -> c - '0').toArray();
    }
}
