package org.openlora.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.engine.tokenizer.StreamingDetokenizer;

class TextStreamTest {
    private static SamplingParams.Builder params() {
        return SamplingParams.builder(100);
    }

    private static TextStream stream(SamplingParams.Builder params) {
        return new TextStream(new Letters(), params.build());
    }

    private static String feed(TextStream stream, String letters) {
        StringBuilder text = new StringBuilder();
        letters.chars().forEach(letter -> text.append(stream.add(letter)));
        return text.toString();
    }

    @Test
    void add_stopStringInPieces_givesOutOnlyWhatComesBefore() {
        TextStream stream = stream(params().stop("END", "never"));
        assertThat(feed(stream, "the EN")).isEqualTo("the ");
        assertThat(stream.stopped()).isFalse();
        assertThat(feed(stream, "D and more")).isEmpty();
        assertThat(stream.stopped()).isTrue();
        assertThat(stream.finish()).isEmpty();
    }

    @Test
    void add_falseStart_isGivenOutAfterAll() {
        TextStream stream = stream(params().stop("END"));
        assertThat(feed(stream, "an EN")).isEqualTo("an ");
        assertThat(feed(stream, "ENx")).isEqualTo("ENENx");
        assertThat(feed(stream, "EN")).isEmpty();
        assertThat(stream.finish()).isEqualTo("EN");
    }

    @Test
    void add_overlappingStops_cutAtTheEarliest() {
        TextStream stream = stream(params().stop("bc", "abcd"));
        assertThat(feed(stream, "xabcd")).isEqualTo("xa");
        assertThat(stream.stopped()).isTrue();
    }

    @Test
    void add_includeStop_givesTheStopStringOutAndNothingBehindIt() {
        TextStream stream = stream(params().stop("END").includeStop(true));
        assertThat(feed(stream, "the ENDs")).isEqualTo("the END");
        assertThat(stream.stopped()).isTrue();
        assertThat(stream.finish()).isEmpty();
    }

    @Test
    void add_stopCompleteWithinMinTokens_doesNotCount() {
        TextStream stream = stream(params().stop("ab").minTokens(3));
        assertThat(feed(stream, "xab")).isEqualTo("xab");
        assertThat(stream.stopped()).isFalse();
        assertThat(feed(stream, "ab")).isEmpty();
        assertThat(stream.stopped()).isTrue();
    }

    @Test
    void add_stopBegunWithinMinTokensAndCompleteAfter_counts() {
        TextStream stream = stream(params().stop("ab").minTokens(2));
        assertThat(feed(stream, "xab")).isEqualTo("x");
        assertThat(stream.stopped()).isTrue();
    }

    @Test
    void add_stopWithinMinTokensHeldForALongerOne_isNotFoundLater() {
        TextStream stream = stream(params().stop("ab", "xabyy").minTokens(3));
        assertThat(feed(stream, "xab")).isEmpty();
        assertThat(feed(stream, "yz")).isEqualTo("xabyz");
        assertThat(stream.stopped()).isFalse();
    }

    @Test
    void add_stopsInOneToken_cutWhereLettersWould() {
        for (boolean include : new boolean[] {false, true}) {
            SamplingParams.Builder params = params().stop("bcd", "cd", "abcde").includeStop(include);
            TextStream letters = stream(params);
            String expected = feed(letters, "xabcdef");
            TextStream words = new TextStream(new Words(List.of("xa", "bcdef")), params.build());
            assertThat(words.add(0) + words.add(1)).isEqualTo(expected).isEqualTo(include ? "xabcd" : "xa");
            assertThat(words.stopped()).isTrue();
        }
    }

    /// Each token is a word.
    private record Words(List<String> words) implements StreamingDetokenizer {
        @Override
        public String add(int id) {
            return words.get(id);
        }

        @Override
        public String finish() {
            return "";
        }
    }
}
