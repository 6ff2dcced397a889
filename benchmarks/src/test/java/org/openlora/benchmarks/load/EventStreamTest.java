package org.openlora.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class EventStreamTest {
    private static final String STREAM = ": hello\r\ndata: {\"a\":\"ä\"}\r\n\r\nevent: x\ndata:{}\n\ndata: [DONE]\n\n";

    @Test
    void feed_cutAnywhere_givesTheSamePayloads() {
        byte[] bytes = STREAM.getBytes(StandardCharsets.UTF_8);
        for (int cut = 0; cut <= bytes.length; cut++) {
            List<String> payloads = new ArrayList<>();
            EventStream stream = new EventStream(payloads::add);
            stream.feed(Arrays.copyOfRange(bytes, 0, cut));
            stream.feed(Arrays.copyOfRange(bytes, cut, bytes.length));
            assertThat(payloads).as("cut at %d", cut).containsExactly("{\"a\":\"ä\"}", "{}", "[DONE]");
        }
    }

    @Test
    void feed_lineLongerThanTheBuffer_isWhole() {
        String text = "x".repeat(100_000);
        List<String> payloads = new ArrayList<>();
        new EventStream(payloads::add).feed(("data: " + text + "\n").getBytes(StandardCharsets.UTF_8));
        assertThat(payloads).containsExactly(text);
    }
}
