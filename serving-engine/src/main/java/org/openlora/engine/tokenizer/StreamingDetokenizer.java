package org.openlora.engine.tokenizer;

/// Decodes tokens as they come. All pieces together, [#finish] last, are exactly what [Tokenizer#decode] says of
/// all tokens at once.
public interface StreamingDetokenizer {
    /// The text that this token completes: never part of a character, `""` while one is incomplete.
    String add(int id);

    /// The text of what was left incomplete. No token may be added after it.
    String finish();
}
