package org.openlora.engine.tokenizer;

import org.jspecify.annotations.Nullable;

/// Joins the bytes of byte-level tokens and decodes them as UTF-8. A character may be spread over tokens, and a
/// token may hold the end of one character and the start of the next.
final class ByteLevelDetokenizer implements StreamingDetokenizer {
    private final TokenTable table;
    private final Utf8Stream bytes = new Utf8Stream();

    ByteLevelDetokenizer(TokenTable table) {
        this.table = table;
    }

    @Override
    public String add(int id) {
        @Nullable String token = table.token(id);
        if (token == null || table.isSpecial(id)) {
            return "";
        }
        StringBuilder text = new StringBuilder();
        bytes.add(ByteLevel.bytes(token), text);
        return text.toString();
    }

    @Override
    public String finish() {
        StringBuilder text = new StringBuilder();
        bytes.finish(text);
        return text.toString();
    }
}
