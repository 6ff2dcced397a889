package org.openlora.server.http;

import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.server.DecoratingHttpServiceFunction;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import io.netty.util.AsciiString;

/// `X-Request-Id`: a client's own comes back with the response, whatever that is; without one, the request's id does.
/// It names a request in logs and changes nothing; the field `request_id` is what makes a request be served once.
final class RequestIdHeader implements DecoratingHttpServiceFunction {
    private static final AsciiString NAME = AsciiString.cached("x-request-id");

    @Override
    public HttpResponse serve(HttpService delegate, ServiceRequestContext context, HttpRequest request)
            throws Exception {
        String given = request.headers().get(NAME);
        if (given != null) {
            context.setAdditionalResponseHeader(NAME, given);
        }
        return delegate.serve(context, request);
    }

    /// The id of a request that brought none.
    static void offer(ServiceRequestContext context, String requestId) {
        if (!context.additionalResponseHeaders().contains(NAME)) {
            context.setAdditionalResponseHeader(NAME, requestId);
        }
    }
}
