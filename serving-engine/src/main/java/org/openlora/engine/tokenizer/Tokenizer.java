package org.openlora.engine.tokenizer;

import java.util.OptionalInt;
import org.openlora.adapters.Digest;

/// A model's tokenizer. Safe for use by several threads until it is closed; a [StreamingDetokenizer] is for one.
public interface Tokenizer extends AutoCloseable {
    /// The text's tokens. Special tokens that stand in the text are recognised; none is added, except that a
    /// tokenizer made to start every text with a BOS token does so, unless the text starts with it already.
    ///
    /// @throws IllegalArgumentException if the text has an unpaired surrogate
    int[] encode(String text);

    /// The text of the tokens: special tokens and ids that have no token say nothing, bytes that are not UTF-8
    /// become U+FFFD.
    String decode(int[] ids);

    /// A decoder for tokens that arrive one by one.
    StreamingDetokenizer newDetokenizer();

    /// The identity of the tokenizer (docs/formats.md).
    Digest digest();

    /// One more than the highest id. A model's vocabulary may be padded beyond it.
    int vocabularySize();

    /// The id of a token by its exact name, such as `<|im_end|>`.
    OptionalInt tokenId(String token);

    /// Whether the id is a special token, which decoding leaves out.
    boolean isSpecial(int id);

    @Override
    void close();
}
