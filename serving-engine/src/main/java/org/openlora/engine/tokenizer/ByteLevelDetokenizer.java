package org.openlora.engine.tokenizer;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/// Joins the bytes of byte-level tokens and decodes them as UTF-8. A character may be spread over tokens, and a token may
/// hold the end of one character and the start of the next; at most three bytes wait for their rest.
final class ByteLevelDetokenizer implements StreamingDetokenizer {
    private static final int MAX_INCOMPLETE_BYTES = 3;

    private final TokenTable table;
    private final CharsetDecoder decoder = StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE);
    private final byte[] incomplete = new byte[MAX_INCOMPLETE_BYTES];
    private int incompleteBytes;

    ByteLevelDetokenizer(TokenTable table) {
        this.table = table;
    }

    @Override
    public String add(int id) {
        @Nullable String token = table.token(id);
        if (token == null || table.isSpecial(id)) {
            return "";
        }
        byte[] bytes = ByteLevel.bytes(token);
        return decode(bytes, false);
    }

    @Override
    public String finish() {
        return decode(new byte[0], true);
    }

    private String decode(byte[] bytes, boolean last) {
        ByteBuffer input = ByteBuffer.allocate(incompleteBytes + bytes.length);
        input.put(incomplete, 0, incompleteBytes).put(bytes).flip();
        CharBuffer output = CharBuffer.allocate(input.remaining() + 1);
        decoder.decode(input, output, last);
        if (last) {
            decoder.flush(output);
        }
        incompleteBytes = input.remaining();
        input.get(incomplete, 0, incompleteBytes);
        return output.flip().toString();
    }
}
