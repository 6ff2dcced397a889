package org.openlora.server.cli;

import com.linecorp.armeria.client.grpc.GrpcClientBuilder;
import com.linecorp.armeria.client.grpc.GrpcClients;
import com.linecorp.armeria.common.HttpHeaderNames;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.openlora.api.v1.AdaptersGrpc;
import org.openlora.api.v1.InferenceGrpc;
import org.openlora.api.v1.ListModelsRequest;
import org.openlora.api.v1.Model;
import org.openlora.api.v1.ReceiptsGrpc;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.problem.Problem;
import picocli.CommandLine.Option;

/// Options of the commands that call a server.
final class ClientOptions {
    private static final Pattern ADDRESS = Pattern.compile("[A-Za-z0-9.:\\[\\]-]+:[0-9]{1,5}");
    private static final Duration PROBE_LIMIT = Duration.ofSeconds(3);

    @Option(
            names = "--server",
            paramLabel = "HOST:PORT",
            description = "A running server; otherwise the one of the settings, or one in this process.")
    private @Nullable String server;

    @Option(
            names = "--api-key",
            paramLabel = "KEY",
            defaultValue = "${env:OPENLORA_API_KEY:-}",
            description = "The tenant's key (also OPENLORA_API_KEY).")
    private String apiKey = "";

    /// A server's address and the model it serves.
    record Found(String address, Model model) {}

    /// The server to call: the one that was named, which must answer, or one on the configured port that does.
    Optional<Found> find(ServerConfig config) {
        if (server == null) {
            String usual =
                    "%s:%d".formatted(config.server().host(), config.server().port());
            return probe(usual);
        }
        if (!ADDRESS.matcher(server).matches()) {
            throw new Problem("--server %s is no host:port".formatted(server), "write for example 127.0.0.1:8080");
        }
        return Optional.of(probe(server)
                .orElseThrow(() -> new Problem(
                        "no OpenLoRA server answers at %s".formatted(server), "start one with openlora serve")));
    }

    private Optional<Found> probe(String address) {
        try {
            Model model = client(address)
                    .responseTimeout(PROBE_LIMIT)
                    .build(InferenceGrpc.InferenceBlockingStub.class)
                    .listModels(ListModelsRequest.getDefaultInstance())
                    .getModels(0);
            return Optional.of(new Found(address, model));
        } catch (StatusRuntimeException e) {
            return switch (e.getStatus().getCode()) {
                // Somebody who knows our service but not this key.
                case UNAUTHENTICATED, PERMISSION_DENIED -> throw e;
                default -> Optional.empty();
            };
        }
    }

    InferenceGrpc.InferenceBlockingStub inference(String address) {
        return client(address).build(InferenceGrpc.InferenceBlockingStub.class);
    }

    AdaptersGrpc.AdaptersBlockingStub adapters(String address) {
        return client(address).build(AdaptersGrpc.AdaptersBlockingStub.class);
    }

    ReceiptsGrpc.ReceiptsBlockingStub receipts(String address) {
        return client(address).build(ReceiptsGrpc.ReceiptsBlockingStub.class);
    }

    private GrpcClientBuilder client(String address) {
        GrpcClientBuilder client = GrpcClients.builder("gproto+http://%s/".formatted(address))
                .responseTimeout(Duration.ZERO)
                .maxResponseLength(0);
        return apiKey.isEmpty() ? client : client.addHeader(HttpHeaderNames.AUTHORIZATION, "Bearer " + apiKey);
    }
}
