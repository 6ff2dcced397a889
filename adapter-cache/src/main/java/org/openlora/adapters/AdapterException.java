package org.openlora.adapters;

import java.io.Serial;

/// An adapter cannot be had, with a one-line message that names what is wrong and what is allowed.
public final class AdapterException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    /// What kind of trouble it is; servers map it to their status codes.
    public enum Code {
        /// No adapter of this name or digest.
        NOT_FOUND,
        /// Another adapter, or the base, has that name.
        NAME_TAKEN,
        /// Broken, contradictory or badly shaped: its owner must repair it.
        INVALID,
        /// Sound, but it uses a feature that is not served.
        UNSUPPORTED,
        /// Made for another base model.
        WRONG_BASE,
        /// Its files are not those that were registered.
        CHANGED,
        /// It can never fit into the memory set aside for adapters.
        TOO_LARGE,
        /// No room became free before the deadline.
        NO_ROOM,
        /// Its origin is not among those that this server may fetch from.
        REFUSED,
        /// Its origin or the disk fails; asking again later may succeed.
        UNAVAILABLE,
        /// Its weights were changed in memory after they had been loaded and verified.
        CORRUPT,
        /// The residency is closed.
        CLOSED
    }

    private final Code code;

    public AdapterException(Code code, String message) {
        super(message);
        this.code = code;
    }

    public AdapterException(Code code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    public Code code() {
        return code;
    }
}
