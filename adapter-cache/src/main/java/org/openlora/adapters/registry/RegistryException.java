package org.openlora.adapters.registry;

import java.io.Serial;

/// The registry's files cannot be used: in use by another process, not writable, damaged.
public final class RegistryException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    RegistryException(String message, Throwable cause) {
        super(message, cause);
    }
}
