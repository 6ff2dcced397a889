package org.openlora.engine.tokenizer;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/// Joins tokens of a SentencePiece vocabulary: U+2581 is a space, `<0x0A>` a byte. A run of byte tokens is text
/// if all of it is UTF-8 and otherwise one U+FFFD for each byte, so it is held back until it ends. One space at
/// the very start is left out where the tokenizer says so.
final class ByteFallbackDetokenizer implements StreamingDetokenizer {
    private final TokenTable table;
    private final ByteArrayOutputStream run = new ByteArrayOutputStream();
    private boolean stripSpace;

    ByteFallbackDetokenizer(TokenTable table, boolean stripSpace) {
        this.table = table;
        this.stripSpace = stripSpace;
    }

    @Override
    public String add(int id) {
        @Nullable String token = table.token(id);
        if (token == null || table.isSpecial(id)) {
            return "";
        }
        int value = byteValue(token);
        if (value >= 0) {
            run.write(value);
            return "";
        }
        return stripped(endRun() + token.replace('\u2581', ' '));
    }

    @Override
    public String finish() {
        return stripped(endRun());
    }

    private String stripped(String text) {
        if (!stripSpace || text.isEmpty()) {
            return text;
        }
        stripSpace = false;
        return text.startsWith(" ") ? text.substring(1) : text;
    }

    private String endRun() {
        byte[] bytes = run.toByteArray();
        run.reset();
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            return "\ufffd".repeat(bytes.length); // as the tokenizers library does: no byte of a broken run is kept
        }
    }

    private static int byteValue(String token) {
        if (token.length() != 6 || !token.startsWith("<0x") || token.charAt(5) != '>') {
            return -1;
        }
        int high = Character.digit(token.charAt(3), 16);
        int low = Character.digit(token.charAt(4), 16);
        return high < 0 || low < 0 ? -1 : high * 16 + low;
    }
}
