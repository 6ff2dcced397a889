package org.openlora.adapters.safetensors;

import java.io.Serial;

/// A safetensors file or index that is not what the format asks for; the message is one line and names what is
/// wrong.
public final class SafetensorsException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    SafetensorsException(String message) {
        super(message);
    }

    SafetensorsException(String message, Throwable cause) {
        super(message, cause);
    }
}
