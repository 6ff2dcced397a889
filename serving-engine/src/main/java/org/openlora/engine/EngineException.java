package org.openlora.engine;

import java.io.Serial;

/// A request that the engine refuses or cannot finish. The message is one line that names what was wrong.
public final class EngineException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1;

    /// What a caller can do about it.
    public enum Code {
        /// The request itself is wrong; sending it again changes nothing.
        INVALID_REQUEST,
        /// An adapter of the request does not exist or cannot be used.
        ADAPTER,
        /// Too much is queued; later may work.
        OVERLOADED,
        /// The request's deadline passed before its first token, or before its adapters were there.
        DEADLINE_EXCEEDED,
        /// The answer was, or may have been, computed with weights that the request did not ask for. Nothing of
        /// it may be used, nothing is billed; asking again may work.
        WRONG_WEIGHTS,
        /// The engine is shutting down, or usage cannot be made durable; asking again later may work.
        UNAVAILABLE,
        /// A fault of ours.
        INTERNAL
    }

    private final Code code;

    public EngineException(Code code, String message) {
        super(message);
        this.code = code;
    }

    public EngineException(Code code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    public Code code() {
        return code;
    }
}
