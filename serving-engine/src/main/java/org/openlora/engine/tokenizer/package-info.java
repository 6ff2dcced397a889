/// Text to token ids and back: `tokenizer.json`, or one built from a GGUF file, run by Hugging Face `tokenizers`;
/// decoding byte by byte, so that a stream never splits a character.
///
/// Starting points: [org.openlora.engine.tokenizer.Tokenizers], [org.openlora.engine.tokenizer.Tokenizer].
@NullMarked
package org.openlora.engine.tokenizer;

import org.jspecify.annotations.NullMarked;
