package org.openlora.engine;

import org.openlora.engine.tokenizer.StreamingDetokenizer;

/// A vocabulary in which token n is the character n.
final class Letters implements StreamingDetokenizer {
    @Override
    public String add(int id) {
        return String.valueOf((char) id);
    }

    @Override
    public String finish() {
        return "";
    }
}
