package org.openlora.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonBufferTest {
    private static final ObjectMapper JACKSON = new ObjectMapper();

    @Test
    void string_everyCharacterOfTheBasicPlane_isReadBackByJackson() throws IOException {
        StringBuilder all = new StringBuilder();
        for (char c = 0; c < Character.MAX_VALUE; c++) {
            if (!Character.isSurrogate(c)) {
                all.append(c);
            }
        }
        assertThat(read(new JsonBuffer().string(all.toString())).textValue()).isEqualTo(all.toString());
    }

    @Test
    void string_randomCodePoints_areReadBackByJackson() throws IOException {
        Random random = new Random(5);
        for (int round = 0; round < 200; round++) {
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < 50; i++) {
                int codePoint = random.nextInt(Character.MAX_CODE_POINT + 1);
                text.appendCodePoint(codePoint >= 0xd800 && codePoint < 0xe000 ? '"' : codePoint);
            }
            assertThat(read(new JsonBuffer().string(text.toString())).textValue())
                    .isEqualTo(text.toString());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "plain", "\"\\\n\r\t\b\f\u0000\u001f\u007f", "é€😀", "</script>"})
    void string_asJacksonWritesIt(String text) throws IOException {
        // Jackson has short forms of two control characters more; both are the same JSON.
        String expected =
                JACKSON.writeValueAsString(text).replace("\\b", "\\u0008").replace("\\f", "\\u000C");
        assertThat(utf8(new JsonBuffer().string(text))).isEqualToIgnoringCase(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\ud83d", "a\ude00b", "\ude00\ud83d", "\ud83d\ud83d\ude00"})
    void string_loneSurrogates_becomeReplacementCharacters(String text) throws IOException {
        String written = read(new JsonBuffer().string(text)).textValue();

        assertThat(written).hasSameSizeAs(text).contains("\ufffd");
        assertThat(written.replace("\ufffd", "").replace("😀", "")).isEqualTo(text.replaceAll("[^ab]", ""));
    }

    @Test
    void numbers_areReadBackByJackson() throws IOException {
        for (long value : new long[] {0, 9, 10, -1, Integer.MIN_VALUE, Long.MAX_VALUE}) {
            assertThat(read(new JsonBuffer().integer(value)).longValue()).isEqualTo(value);
        }
        for (double value : new double[] {0, -0.25, 1e-9, -17.25f, 1e300}) {
            assertThat(read(new JsonBuffer().number(value)).doubleValue()).isEqualTo(value);
        }
        assertThat(read(new JsonBuffer().number(Double.NEGATIVE_INFINITY)).doubleValue())
                .isEqualTo(-Double.MAX_VALUE);
        assertThat(read(new JsonBuffer().number(Double.NaN)).isNull()).isTrue();
    }

    @Test
    void clear_keepsNothing() {
        JsonBuffer buffer = new JsonBuffer().string("long ago ".repeat(200));
        buffer.clear();

        assertThat(buffer.isEmpty()).isTrue();
        assertThat(utf8(buffer.raw("[]"))).isEqualTo("[]");
    }

    private static JsonNode read(JsonBuffer buffer) throws IOException {
        return JACKSON.readTree(buffer.toByteArray());
    }

    private static String utf8(JsonBuffer buffer) {
        return new String(buffer.toByteArray(), StandardCharsets.UTF_8);
    }
}
