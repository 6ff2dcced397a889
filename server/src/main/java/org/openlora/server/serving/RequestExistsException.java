package org.openlora.server.serving;

/// The client used this request id before: the answer it paid for then is not computed, and not billed, again.
public final class RequestExistsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    RequestExistsException(String requestId) {
        super("the request id %s was used before; its receipt tells what became of it, choose another id"
                .formatted(requestId));
    }
}
