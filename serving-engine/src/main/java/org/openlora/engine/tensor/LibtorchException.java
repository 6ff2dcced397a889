package org.openlora.engine.tensor;

/// libtorch cannot be had, lacks a function, or failed: one line with the operation, shapes and type.
public final class LibtorchException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    LibtorchException(String message) {
        super(message);
    }

    LibtorchException(String message, Throwable cause) {
        super(message, cause);
    }
}
