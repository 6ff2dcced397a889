package org.openlora.server.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.linecorp.armeria.client.BlockingWebClient;
import com.linecorp.armeria.client.WebClient;
import com.linecorp.armeria.client.grpc.GrpcClients;
import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.api.v1.GenerateRequest;
import org.openlora.api.v1.InferenceGrpc;
import org.openlora.api.v1.Prompt;
import org.openlora.engine.EngineException;
import org.openlora.meter.LedgerHealth;
import org.openlora.meter.ledger.LedgerStep;
import org.openlora.server.catalog.ResolvedModel;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.listener.OpenLoraServer;
import org.openlora.server.metrics.ServerMetrics;
import org.openlora.server.receipts.LedgerView;
import org.openlora.server.receipts.ReceiptDesk;

/// A whole server whose ledger stops taking writes and takes them again.
class LedgerOutageTest {
    private static final Path ROOT = Path.of(System.getProperty("openlora.root"));
    private static final PromptInput PROMPT = new PromptInput.Text("The harbour");
    private static final int MAX_TOKENS = 12;
    private static final String COMPLETION = "{\"prompt\": \"The harbour\", \"max_tokens\": 4}";

    @TempDir
    Path home;

    private volatile boolean full;

    /// The ledger's disk, full while the test says so.
    private final EngineParts parts = new EngineParts() {
        @Override
        public LedgerStep.Observer ledgerObserver() {
            return step -> {
                if (full && step == LedgerStep.USAGE_BEFORE_COMMIT) {
                    throw new UncheckedIOException(new IOException("no room on this disk"));
                }
            };
        }
    };

    @Test
    void outage_longerThanAnswersWait_failsThemUnbilledAndRefusesNewOnesUntilItEnds() throws Exception {
        ServerConfig config = config(0);
        try (ServingStack stack = open(config);
                OpenLoraServer server = listen(config, stack)) {
            Generating before = generate(stack);
            before.whole();
            full = true;
            Generating during = generate(stack);

            EngineException failure = during.failure();
            assertThat(failure.code()).isEqualTo(EngineException.Code.UNAVAILABLE);
            assertThat(failure).hasMessageContaining("could not be made durable; nothing is billed");
            assertThat(during.tokens()).as("streamed before").isNotEmpty();
            assertThat(stack.meter().health())
                    .isInstanceOfSatisfying(LedgerHealth.Unwritable.class, outage -> assertThat(outage.reason())
                            .contains("no room on this disk"));
            assertRefused(stack, server);

            full = false;
            await(() -> stack.meter().health() instanceof LedgerHealth.Writable);
            assertServed(server);
            generate(stack).whole();
            stack.meter().drain(Duration.ofMinutes(2));
            assertThat(stack.meter().queries().receiptsOf(during.requestId())).isEmpty();
            assertThat(stack.meter().queries().receiptsOf(before.requestId())).hasSize(1);
            assertThat(stack.meter().queries().lastSeq()).isEqualTo(3);
        }
    }

    @Test
    void outage_shorterThanAnswersWait_losesNothing() throws Exception {
        ServerConfig config = config(600);
        try (ServingStack stack = open(config)) {
            full = true;
            List<Generating> answers = List.of(generate(stack), generate(stack), generate(stack));
            await(() -> stack.meter().health() instanceof LedgerHealth.Unwritable);
            assertThatThrownBy(() -> generate(stack)).hasMessageContaining("the ledger cannot be written");

            full = false;
            for (Generating answer : answers) {
                assertThat(answer.whole().finished().acknowledgement().signer()).isPresent();
            }
            await(() -> stack.meter().health() instanceof LedgerHealth.Writable);
            stack.meter().drain(Duration.ofMinutes(2));
            assertThat(stack.meter().queries().lastSeq()).isEqualTo(3);
            assertThat(stack.meter().commitStats().failedAttempts()).isPositive();
            assertThat(stack.meter().commitStats().failedRows()).isZero();
        }
    }

    private static void assertRefused(ServingStack stack, OpenLoraServer server) {
        assertThatThrownBy(() -> generate(stack)).isInstanceOf(EngineException.class);
        AggregatedHttpResponse refused = complete(server);
        assertThat(refused.status()).isEqualTo(HttpStatus.SERVICE_UNAVAILABLE);
        assertThat(refused.headers().get("retry-after")).isNotNull();
        assertThat(refused.contentUtf8())
                .contains("\"message\":\"the ledger cannot be written, so nothing is served; try again later\"")
                .contains("\"type\":\"ServiceUnavailableError\"");
        assertThatThrownBy(() -> call(server)).isInstanceOfSatisfying(StatusRuntimeException.class, e -> {
            assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
            assertThat(e.getStatus().getDescription()).contains("the ledger cannot be written");
        });
        assertThat(http(server).get("/health").status()).isEqualTo(HttpStatus.SERVICE_UNAVAILABLE);
        assertThat(http(server).get("/health").contentUtf8()).contains("the ledger cannot be written");
        assertThat(health(server)).isEqualTo(ServingStatus.NOT_SERVING);
        assertThat(metrics(server)).anyMatch(line -> line.matches("openlora_ledger_writable\\{.*} 0\\.0"));
        assertThat(metrics(server)).anyMatch(line -> line.matches("openlora_ledger_failed_rows_total\\{.*} 1\\.0"));
    }

    private static void assertServed(OpenLoraServer server) {
        assertThat(complete(server).status()).isEqualTo(HttpStatus.OK);
        assertThat(http(server).get("/health").status()).isEqualTo(HttpStatus.OK);
        assertThat(health(server)).isEqualTo(ServingStatus.SERVING);
        assertThat(metrics(server)).anyMatch(line -> line.matches("openlora_ledger_writable\\{.*} 1\\.0"));
    }

    private static AggregatedHttpResponse complete(OpenLoraServer server) {
        return http(server)
                .prepare()
                .post("/v1/completions")
                .content(MediaType.JSON, COMPLETION)
                .execute();
    }

    private static BlockingWebClient http(OpenLoraServer server) {
        return WebClient.of("http://" + server.address()).blocking();
    }

    private static void call(OpenLoraServer server) {
        var inference = GrpcClients.newClient(
                "gproto+http://" + server.address() + "/", InferenceGrpc.InferenceBlockingStub.class);
        inference
                .generate(GenerateRequest.newBuilder()
                        .setPrompt(Prompt.newBuilder().setText("The harbour"))
                        .build())
                .forEachRemaining(_ -> {});
    }

    private static ServingStatus health(OpenLoraServer server) {
        return GrpcClients.newClient("gproto+http://" + server.address() + "/", HealthGrpc.HealthBlockingStub.class)
                .check(HealthCheckRequest.getDefaultInstance())
                .getStatus();
    }

    private static List<String> metrics(OpenLoraServer server) {
        return http(server).get("/metrics").contentUtf8().lines().toList();
    }

    private static void await(BooleanSupplier condition) {
        for (int patience = 0; !condition.getAsBoolean(); patience++) {
            assertThat(patience).isLessThan(12_000);
            LockSupport.parkNanos(5_000_000);
        }
    }

    private static Generating generate(ServingStack stack) {
        return Generating.start(stack, Generating.call(null, PROMPT, MAX_TOKENS));
    }

    private OpenLoraServer listen(ServerConfig config, ServingStack stack) {
        return OpenLoraServer.start(
                config,
                stack,
                stack.desk(),
                new ReceiptDesk(LedgerView.of(stack.meter()), stack.operator(), Optional::empty),
                ServerMetrics.of(stack));
    }

    private ServerConfig config(int patienceSeconds) throws IOException {
        Path settings = Files.writeString(home.resolve("settings.yaml"), """
                engine:
                  warmUpSeconds: 0
                metering:
                  commitPatienceSeconds: %d
                """.formatted(patienceSeconds));
        return ConfigLoader.load(installation(), settings).withPort(0);
    }

    private ServingStack open(ServerConfig config) {
        ResolvedModel model = new ResolvedModel(
                "openlora-tiny",
                ROOT.resolve("models/openlora-tiny"),
                ROOT.resolve("examples/adapters"),
                ROOT.resolve("examples/datanets"),
                "");
        return ServingStack.open(config, installation(), model, Map.of(), parts);
    }

    private Installation installation() {
        return new Installation(ROOT, home);
    }
}
