package org.openlora.server.http;

import com.linecorp.armeria.common.AggregatedHttpResponse;
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
        return cause instanceof HttpStatusException failure && !isGrpc(context.request().headers())
                ? ApiError.of(failure.httpStatus(), null).response().toHttpResponse()
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
                : ApiError.of(status, description).response();
    }

    private static boolean isGrpc(RequestHeaders headers) {
        return headers.get("content-type", "").startsWith(GRPC);
    }
}
