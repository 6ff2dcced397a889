package org.openlora.server.http;

import com.linecorp.armeria.common.HttpStatus;
import org.jspecify.annotations.Nullable;

/// A request that is answered with an error.
final class ApiException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient ApiError error;

    ApiException(ApiError error) {
        super(error.message());
        this.error = error;
    }

    /// A field of the request is wrong.
    static ApiException badField(String param, String message) {
        return new ApiException(new ApiError(HttpStatus.BAD_REQUEST, "BadRequestError", message, param));
    }

    static ApiException badRequest(String message) {
        return new ApiException(new ApiError(HttpStatus.BAD_REQUEST, "BadRequestError", message, null));
    }

    static ApiException notFound(String message, @Nullable String param) {
        return new ApiException(new ApiError(HttpStatus.NOT_FOUND, "NotFoundError", message, param));
    }

    /// vLLM's kind of a bad request about adapters.
    static ApiException userInput(String message, @Nullable String param) {
        return new ApiException(new ApiError(HttpStatus.BAD_REQUEST, "InvalidUserInput", message, param));
    }

    static ApiException forbidden(String message) {
        return new ApiException(new ApiError(HttpStatus.FORBIDDEN, "PermissionDeniedError", message, null));
    }

    ApiError error() {
        return error;
    }
}
