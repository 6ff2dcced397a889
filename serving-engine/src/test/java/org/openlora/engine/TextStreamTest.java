package org.openlora.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class TextStreamTest {
    private static String feed(TextStream stream, String letters) {
        StringBuilder text = new StringBuilder();
        letters.chars().forEach(letter -> text.append(stream.add(letter)));
        return text.toString();
    }

    @Test
    void add_stopStringInPieces_givesOutOnlyWhatComesBefore() {
        TextStream stream = new TextStream(new Letters(), List.of("END", "never"));
        assertThat(feed(stream, "the EN")).isEqualTo("the ");
        assertThat(stream.stopped()).isFalse();
        assertThat(feed(stream, "D and more")).isEmpty();
        assertThat(stream.stopped()).isTrue();
        assertThat(stream.finish()).isEmpty();
    }

    @Test
    void add_falseStart_isGivenOutAfterAll() {
        TextStream stream = new TextStream(new Letters(), List.of("END"));
        assertThat(feed(stream, "an EN")).isEqualTo("an ");
        assertThat(feed(stream, "ENx")).isEqualTo("ENENx");
        assertThat(feed(stream, "EN")).isEmpty();
        assertThat(stream.finish()).isEqualTo("EN");
    }

    @Test
    void add_overlappingStops_cutAtTheEarliest() {
        TextStream stream = new TextStream(new Letters(), List.of("bc", "abcd"));
        assertThat(feed(stream, "xabcd")).isEqualTo("xa");
        assertThat(stream.stopped()).isTrue();
    }
}
