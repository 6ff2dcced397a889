package org.openlora.server.grpc;

import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.server.Server;
import com.linecorp.armeria.server.grpc.GrpcService;
import com.linecorp.armeria.server.grpc.GrpcServiceBuilder;
import io.grpc.ServerInterceptors;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.problem.Problem;
import org.openlora.server.receipts.ReceiptDesk;
import org.openlora.server.serving.Serving;

/// The listener: gRPC and HTTP on one port.
///
/// `/health` answers 200 with an empty body while requests are taken, 503 afterwards; so does `grpc.health.v1.Health`.
public final class OpenLoraServer implements AutoCloseable {
    private final ServerConfig config;
    private final Server server;
    private final CallLimiter limiter;
    private final HealthStatusManager health;
    private final AtomicBoolean ready;

    private OpenLoraServer(
            ServerConfig config, Server server, CallLimiter limiter, HealthStatusManager health, AtomicBoolean ready) {
        this.config = config;
        this.server = server;
        this.limiter = limiter;
        this.health = health;
        this.ready = ready;
    }

    /// Finds out before anything slow is done whether the port can be had.
    ///
    /// @throws Problem as [#start] would
    public static void requireFree(ServerConfig.Listener listener) {
        try (ServerSocket probe = new ServerSocket()) {
            probe.bind(new InetSocketAddress(listener.host(), listener.port()));
        } catch (IOException e) {
            throw notListening(listener, e);
        }
    }

    /// Starts to listen.
    ///
    /// @throws Problem if the port is taken or the address not this machine's
    public static OpenLoraServer start(ServerConfig config, Serving serving, ReceiptDesk receipts) {
        CallLimiter limiter = new CallLimiter(config.server().maxConcurrentRequests());
        HealthStatusManager health = new HealthStatusManager();
        AtomicBoolean ready = new AtomicBoolean();
        TenantInterceptor tenants = new TenantInterceptor(config);
        GrpcServiceBuilder grpc = GrpcService.builder()
                .addService(ServerInterceptors.intercept(
                        new InferenceService(
                                serving, limiter, config.generation().defaultMaxTokens(), InstantSource.system()),
                        tenants))
                .addService(ServerInterceptors.intercept(new ReceiptsService(receipts, limiter), tenants))
                .addService(health.getHealthService())
                .maxRequestMessageLength(config.server().maxRequestBytes())
                .useClientTimeoutHeader(true);
        if (config.server().reflection()) {
            grpc.addService(ProtoReflectionServiceV1.newInstance());
        }
        Server server = Server.builder()
                .http(new InetSocketAddress(
                        config.server().host(), config.server().port()))
                // An answer takes as long as it takes; calls bring deadlines of their own.
                .requestTimeout(Duration.ZERO)
                .maxRequestLength(config.server().maxRequestBytes() + 1024L)
                .gracefulShutdownTimeout(
                        Duration.ZERO, Duration.ofSeconds(config.server().shutdownGraceSeconds()))
                .service(grpc.build())
                .service("/health", (context, request) -> health(ready))
                .build();
        try {
            server.start().join();
        } catch (CompletionException e) {
            limiter.close();
            throw notListening(config.server(), e.getCause() == null ? e : e.getCause());
        }
        ready.set(true);
        return new OpenLoraServer(config, server, limiter, health, ready);
    }

    private static HttpResponse health(AtomicBoolean ready) {
        return HttpResponse.of(ResponseHeaders.of(ready.get() ? HttpStatus.OK : HttpStatus.SERVICE_UNAVAILABLE));
    }

    private static Problem notListening(ServerConfig.Listener listener, Throwable cause) {
        String address = "%s:%d".formatted(listener.host(), listener.port());
        boolean taken = cause instanceof BindException
                || String.valueOf(cause.getMessage()).contains("in use");
        return new Problem(
                taken
                        ? "%s is already in use".formatted(address)
                        : "cannot listen on %s: %s".formatted(address, Problem.describe(cause)),
                "choose another port with --port, or end what listens there",
                cause);
    }

    /// The port it listens on.
    public int port() {
        return server.activeLocalPort();
    }

    /// `host:port`.
    public String address() {
        return "%s:%d".formatted(config.server().host(), port());
    }

    /// Takes no more requests, lets those that run end within the grace period, then stops.
    @Override
    public void close() {
        ready.set(false);
        health.setStatus(HealthStatusManager.SERVICE_NAME_ALL_SERVICES, ServingStatus.NOT_SERVING);
        server.stop().join();
        limiter.close();
    }
}
