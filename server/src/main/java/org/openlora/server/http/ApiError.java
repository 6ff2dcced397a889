package org.openlora.server.http;

import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.ContentTooLargeException;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.common.ResponseHeadersBuilder;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.engine.EngineException;
import org.openlora.server.adapters.DeskException;
import org.openlora.server.problem.Problem;
import org.openlora.server.serving.RequestExistsException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// An error as clients read it: `{"error":{"message","type","param","code"}}`, `code` being the HTTP status.
///
/// @param type vLLM's name of the kind
/// @param message one line: what was wrong and what is allowed
/// @param param the field that is wrong; null where it is none
record ApiError(
        HttpStatus status,
        String type,
        String message,
        @Nullable String param) {
    private static final Logger log = LoggerFactory.getLogger(ApiError.class);
    private static final int RETRY_AFTER_SECONDS = 1;

    /// The error of a failure. Messages are the failures' own one-line messages.
    static ApiError of(Throwable failure) {
        return switch (failure) {
            case ApiException e -> e.error();
            case CompletionException e when e.getCause() != null -> of(e.getCause());
            case EngineException e when e.getCause() instanceof AdapterException cause -> of(cause);
            case EngineException e -> of(e.code(), Problem.describe(e));
            case AdapterException e -> of(e.code(), Problem.describe(e));
            case DeskException e -> of(e.reason(), message(e));
            case RequestExistsException e ->
                new ApiError(HttpStatus.CONFLICT, "ConflictError", message(e), "request_id");
            case IllegalArgumentException e -> badRequest(message(e));
            case Problem e -> badRequest(message(e));
            case ContentTooLargeException e ->
                tooLarge("the request is larger than the %d bytes that are allowed".formatted(e.maxContentLength()));
            default -> {
                log.error("A call failed for a reason of ours", failure);
                yield internal("an internal error, the server's log says more");
            }
        };
    }

    /// The error of a status that the listener itself decided on, such as 404 and 405.
    static ApiError of(HttpStatus status, @Nullable String description) {
        String message = description == null || description.isBlank() ? status.reasonPhrase() : description;
        return switch (status.code()) {
            case 404 -> new ApiError(status, "NotFoundError", "there is nothing at this path", null);
            case 413 -> tooLarge("the request is larger than the server allows");
            default ->
                new ApiError(status, status.isServerError() ? "InternalServerError" : "BadRequestError", message, null);
        };
    }

    static ApiError unauthorized() {
        return new ApiError(
                HttpStatus.UNAUTHORIZED,
                "AuthenticationError",
                "no tenant has this API key; send the header Authorization: Bearer <key>",
                null);
    }

    static ApiError unavailable(String message) {
        return new ApiError(HttpStatus.SERVICE_UNAVAILABLE, "ServiceUnavailableError", message, null);
    }

    private static ApiError tooLarge(String message) {
        return new ApiError(HttpStatus.REQUEST_ENTITY_TOO_LARGE, "RequestTooLargeError", message, null);
    }

    private static ApiError badRequest(String message) {
        return new ApiError(HttpStatus.BAD_REQUEST, "BadRequestError", message, null);
    }

    private static ApiError internal(String message) {
        return new ApiError(HttpStatus.INTERNAL_SERVER_ERROR, "InternalServerError", message, null);
    }

    private static ApiError overloaded(String message) {
        return new ApiError(HttpStatus.TOO_MANY_REQUESTS, "RateLimitError", message, null);
    }

    private static String message(Throwable failure) {
        return Problem.describe(failure);
    }

    private static ApiError of(EngineException.Code code, String message) {
        return switch (code) {
            case INVALID_REQUEST, ADAPTER -> badRequest(message);
            case OVERLOADED -> overloaded(message);
            case DEADLINE_EXCEEDED -> new ApiError(HttpStatus.GATEWAY_TIMEOUT, "TimeoutError", message, null);
            case UNAVAILABLE -> unavailable(message);
            case WRONG_WEIGHTS, INTERNAL -> internal(message);
        };
    }

    private static ApiError of(DeskException.Reason reason, String message) {
        return switch (reason) {
            case NOT_ALLOWED -> new ApiError(HttpStatus.FORBIDDEN, "PermissionDeniedError", message, null);
            case CONFLICT -> new ApiError(HttpStatus.CONFLICT, "ConflictError", message, "lora_name");
        };
    }

    private static ApiError of(AdapterException.Code code, String message) {
        return switch (code) {
            case NOT_FOUND -> new ApiError(HttpStatus.NOT_FOUND, "NotFoundError", message, "model");
            case NAME_TAKEN -> new ApiError(HttpStatus.CONFLICT, "ConflictError", message, "model");
            case INVALID, UNSUPPORTED, WRONG_BASE, CHANGED, TOO_LARGE ->
                new ApiError(HttpStatus.BAD_REQUEST, "BadRequestError", message, "model");
            case NO_ROOM -> overloaded(message);
            case REFUSED -> new ApiError(HttpStatus.FORBIDDEN, "PermissionDeniedError", message, "model");
            case CORRUPT -> internal(message);
            case UNAVAILABLE, CLOSED -> unavailable(message);
        };
    }

    /// The error's JSON, with its braces.
    void write(JsonBuffer out) {
        out.raw("{\"error\":{\"message\":")
                .string(message)
                .raw(",\"type\":")
                .string(type)
                .raw(",\"param\":");
        if (param == null) {
            out.raw("null");
        } else {
            out.string(param);
        }
        out.raw(",\"code\":").integer(status.code()).raw("}}");
    }

    /// As the whole response.
    AggregatedHttpResponse response() {
        ResponseHeadersBuilder headers = ResponseHeaders.builder(status)
                .contentType(MediaType.JSON)
                .add(HttpHeaderNames.CACHE_CONTROL, "no-store");
        if (status.equals(HttpStatus.TOO_MANY_REQUESTS) || status.equals(HttpStatus.SERVICE_UNAVAILABLE)) {
            headers.addInt(HttpHeaderNames.RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        if (status.equals(HttpStatus.UNAUTHORIZED)) {
            headers.add(HttpHeaderNames.WWW_AUTHENTICATE, "Bearer");
        }
        JsonBuffer body = new JsonBuffer();
        write(body);
        return AggregatedHttpResponse.of(headers.build(), HttpData.wrap(body.toByteArray()));
    }
}
