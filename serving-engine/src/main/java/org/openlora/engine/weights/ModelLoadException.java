package org.openlora.engine.weights;

import org.jspecify.annotations.Nullable;

/// A model, tokenizer or chat template that cannot be used. The message is one line: it names the file, then the
/// tensor, key or feature that is wrong, and what is allowed.
public final class ModelLoadException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ModelLoadException(String message) {
        this(message, null);
    }

    public ModelLoadException(String message, @Nullable Throwable cause) {
        super(oneLine(message), cause);
    }

    /// Names out of a hostile file may hold line breaks and may be long.
    private static String oneLine(String message) {
        String line = message.replaceAll("\\p{Cntrl}+", " ");
        return line.length() <= 1000 ? line : line.substring(0, 1000) + "...";
    }
}
