package org.openlora.meter.evidence;

/// Cuts text into the token ids of one tokenizer. Given from above, so that the meter knows no tokenizer library.
@FunctionalInterface
public interface TokenEncoder {
    /// Ids of the text as the engine's tokenizer cuts it, not negative, without special tokens added around it.
    /// Called by one thread at a time.
    int[] encode(String text);
}
