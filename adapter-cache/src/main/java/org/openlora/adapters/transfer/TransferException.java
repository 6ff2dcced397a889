package org.openlora.adapters.transfer;

import java.io.Serial;

/// A file that cannot be had over the network, and trying again at once would not help. The message names hosts and
/// files, never a query, a header or a token.
public final class TransferException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    public enum Kind {
        /// The host says that there is no such thing.
        NOT_FOUND,
        /// The host wants other credentials, or none help.
        FORBIDDEN,
        /// The host's address, or the way to it, is not allowed here.
        REFUSED,
        /// What arrived is not what was announced or pinned.
        DAMAGED,
        /// The host fails, cannot be reached, or is too slow.
        UNAVAILABLE
    }

    private final Kind kind;

    public TransferException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    public TransferException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}
