package org.openlora.server.http;

import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.ContentTooLargeException;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.server.HttpStatusException;
import com.linecorp.armeria.server.ServerErrorHandler;
import com.linecorp.armeria.server.ServiceConfig;
import com.linecorp.armeria.server.ServiceRequestContext;
import org.jspecify.annotations.Nullable;

/// Errors that the listener finds before any service does, such as an unknown path, in the API's form.
final class ApiErrorHandler implements ServerErrorHandler {
    private static final String GRPC = "application/grpc";

    @Override
    public @Nullable HttpResponse onServiceException(ServiceRequestContext context, Throwable cause) {
        return cause instanceof HttpStatusException failure
                        && !isGrpc(context.request().headers())
                ? error(failure).response().toHttpResponse()
                : null;
    }

    @Override
    public @Nullable AggregatedHttpResponse renderStatus(
            @Nullable ServiceRequestContext context,
            ServiceConfig config,
            @Nullable RequestHeaders headers,
            HttpStatus status,
            @Nullable String description,
            @Nullable Throwable cause) {
        return status.isContentAlwaysEmpty() || (headers != null && isGrpc(headers))
                ? null
                : (cause instanceof ContentTooLargeException ? ApiError.of(cause) : ApiError.of(status, description))
                        .response();
    }

    private static ApiError error(HttpStatusException failure) {
        return failure.getCause() instanceof ContentTooLargeException tooLarge
                ? ApiError.of(tooLarge)
                : ApiError.of(failure.httpStatus(), null);
    }

    private static boolean isGrpc(RequestHeaders headers) {
        return headers.get("content-type", "").startsWith(GRPC);
    }
}
