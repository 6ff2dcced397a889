package org.openlora.server.grpc;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.config.ServerConfig.Tenant;

/// Finds the tenant of a call by its API key, the only thing a client can say about who it is.
final class TenantInterceptor implements ServerInterceptor {
    static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

    private static final Context.Key<Tenant> TENANT = Context.key("openlora-tenant");
    private static final String SCHEME = "Bearer ";

    private final ServerConfig config;

    TenantInterceptor(ServerConfig config) {
        this.config = config;
    }

    /// The tenant of the call that this thread serves.
    static Tenant current() {
        return Objects.requireNonNull(TENANT.get(), "a service without the tenant interceptor");
    }

    @Override
    public <Q, P> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, P> call, Metadata headers, ServerCallHandler<Q, P> next) {
        Optional<Tenant> tenant = config.tenant(key(headers.get(AUTHORIZATION)));
        if (tenant.isEmpty()) {
            call.close(
                    Status.UNAUTHENTICATED.withDescription(
                            "no tenant has this API key; send the header authorization: Bearer <key>"),
                    new Metadata());
            return new ServerCall.Listener<>() {};
        }
        return Contexts.interceptCall(Context.current().withValue(TENANT, tenant.get()), call, headers, next);
    }

    private static String key(@Nullable String header) {
        if (header == null) {
            return "";
        }
        return header.regionMatches(true, 0, SCHEME, 0, SCHEME.length()) ? header.substring(SCHEME.length()) : header;
    }
}
