package org.openlora.benchmarks.load;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Consumer;

/// Cuts the bytes of a server-sent event stream into the payloads of its `data:` lines, as they arrive.
///
/// Comments, event names and ids are skipped; a payload is one line, as OpenAI-style servers send it (the HTML
/// standard, section 9.2, would join several). Not thread-safe.
final class EventStream {
    private static final byte[] DATA = "data:".getBytes(StandardCharsets.US_ASCII);
    private static final int FIRST_LINE_BYTES = 1024;

    private final Consumer<String> payloads;
    private byte[] line = new byte[FIRST_LINE_BYTES];
    private int length;

    EventStream(Consumer<String> payloads) {
        this.payloads = payloads;
    }

    void feed(byte[] bytes) {
        for (byte next : bytes) {
            if (next == '\n') {
                end();
            } else {
                if (length == line.length) {
                    line = Arrays.copyOf(line, 2 * length);
                }
                line[length++] = next;
            }
        }
    }

    private void end() {
        if (length >= DATA.length && Arrays.equals(line, 0, DATA.length, DATA, 0, DATA.length)) {
            payloads.accept(new String(line, DATA.length, length - DATA.length, StandardCharsets.UTF_8).strip());
        }
        length = 0;
    }
}
