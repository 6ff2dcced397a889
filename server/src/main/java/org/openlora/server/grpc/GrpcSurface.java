package org.openlora.server.grpc;

import com.linecorp.armeria.server.grpc.GrpcService;
import com.linecorp.armeria.server.grpc.GrpcServiceBuilder;
import io.grpc.ServerInterceptors;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.time.InstantSource;
import org.openlora.server.adapters.AdapterDesk;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.receipts.ReceiptDesk;
import org.openlora.server.serving.Serving;

/// The gRPC services, for a listener.
public final class GrpcSurface implements AutoCloseable {
    private final CallLimiter limiter;
    private final HealthStatusManager health = new HealthStatusManager();
    private final AdaptersService adapters;
    private final GrpcService service;

    public GrpcSurface(ServerConfig config, Serving serving, AdapterDesk desk, ReceiptDesk receipts) {
        limiter = new CallLimiter(config.server().maxConcurrentRequests());
        TenantInterceptor tenants = new TenantInterceptor(config);
        adapters = new AdaptersService(desk, limiter, config.server().maxBufferedEvents(), InstantSource.system());
        GrpcServiceBuilder grpc = GrpcService.builder()
                .addService(ServerInterceptors.intercept(
                        new InferenceService(
                                serving,
                                limiter,
                                config.generation().defaultMaxTokens(),
                                config.server().maxBufferedEvents(),
                                InstantSource.system()),
                        tenants))
                .addService(ServerInterceptors.intercept(adapters, tenants))
                .addService(ServerInterceptors.intercept(new ReceiptsService(receipts, limiter), tenants))
                .addService(health.getHealthService())
                .maxRequestMessageLength(config.server().maxRequestBytes())
                .useClientTimeoutHeader(true);
        if (config.server().reflection()) {
            grpc.addService(ProtoReflectionServiceV1.newInstance());
        }
        service = grpc.build();
        serving.onRefusalChange(() -> health.setStatus(
                HealthStatusManager.SERVICE_NAME_ALL_SERVICES,
                serving.refusal().isEmpty() ? ServingStatus.SERVING : ServingStatus.NOT_SERVING));
    }

    public GrpcService service() {
        return service;
    }

    /// Tells `grpc.health.v1.Health` that no more requests are taken, and ends what would not end by itself.
    public void drain() {
        adapters.drain();
        health.enterTerminalState();
    }

    /// Waits for the calls that still run, once the listener is closed.
    @Override
    public void close() {
        adapters.close();
        limiter.close();
    }
}
