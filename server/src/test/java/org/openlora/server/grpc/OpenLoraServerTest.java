package org.openlora.server.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.linecorp.armeria.client.WebClient;
import com.linecorp.armeria.client.grpc.GrpcClients;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpStatus;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthGrpc;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.api.v1.AdapterRef;
import org.openlora.api.v1.GenerateRequest;
import org.openlora.api.v1.GenerateResponse;
import org.openlora.api.v1.InferenceGrpc;
import org.openlora.api.v1.ListModelsRequest;
import org.openlora.api.v1.Prompt;
import org.openlora.api.v1.TokenIds;
import org.openlora.api.v1.TokenizeRequest;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.server.adapters.FakeDesk;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.config.ServerConfig.Tenant;
import org.openlora.server.listener.OpenLoraServer;
import org.openlora.server.metrics.ServerMetrics;
import org.openlora.server.problem.Problem;
import org.openlora.server.receipts.LedgerView;
import org.openlora.server.receipts.ReceiptDesk;
import org.openlora.server.serving.AdapterChoice;
import org.openlora.server.serving.Operator;
import org.openlora.server.serving.PromptInput;

class OpenLoraServerTest {
    private static final String KEY = "0123456789abcdef";

    @TempDir
    Path home;

    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void closeAll() throws Exception {
        for (AutoCloseable one : open.reversed()) {
            one.close();
        }
    }

    @Test
    void generate_textPrompt_streamsStartedDeltasAndFinished() {
        FakeServing serving = new FakeServing(List.of("Good", " day"), false);

        List<GenerateResponse> events =
                all(stub(start(config(), serving)).generate(request().build()));

        assertThat(events.getFirst().getStarted().getBaseDigest()).isEqualTo(FakeServing.BASE.toString());
        assertThat(text(events)).isEqualTo("Good day!");
        assertThat(events.getLast().getFinished().getUsage().getGeneratedTokens())
                .isEqualTo(2);
        assertThat(events.getLast()
                        .getFinished()
                        .getAcknowledgement()
                        .getSignature()
                        .size())
                .isEqualTo(65);
    }

    @Test
    void generate_tokenIdsAndAdapter_reachTheServingStack() throws InterruptedException {
        FakeServing serving = new FakeServing(List.of("x"), false);
        GenerateRequest request = GenerateRequest.newBuilder()
                .setRequestId("mine")
                .setPrompt(Prompt.newBuilder()
                        .setTokens(TokenIds.newBuilder().addIds(5).addIds(6)))
                .addAdapters(AdapterRef.newBuilder().setName("sound").setScale(-0.5))
                .build();

        List<GenerateResponse> events = all(stub(start(config(), serving)).generate(request));

        assertThat(events.getFirst().getStarted().getRequestId()).isEqualTo("mine");
        assertThat(events.getFirst().getStarted().getAdapters(0).getScalePpm()).isEqualTo(-500_000);
        assertThat(serving.calls().take()).satisfies(call -> {
            assertThat(call.prompt()).isEqualTo(new PromptInput.Tokens(List.of(5, 6)));
            assertThat(call.adapters()).containsExactly(new AdapterChoice.ByName("sound", -500_000));
            assertThat(call.params().maxTokens()).isEqualTo(256);
        });
    }

    @Test
    void generate_unknownAdapter_isNotFoundWithItsName() {
        InferenceGrpc.InferenceBlockingStub stub = stub(start(config(), new FakeServing(List.of(), false)));
        GenerateRequest request =
                request().addAdapters(AdapterRef.newBuilder().setName("absent")).build();

        assertStatus(() -> all(stub.generate(request)), Status.Code.NOT_FOUND, "absent");
    }

    @Test
    void generate_noPrompt_isInvalidArgument() {
        InferenceGrpc.InferenceBlockingStub stub = stub(start(config(), new FakeServing(List.of(), false)));

        assertStatus(
                () -> all(stub.generate(GenerateRequest.getDefaultInstance())),
                Status.Code.INVALID_ARGUMENT,
                "prompt is missing");
    }

    @Test
    void generate_scaleBeyondBounds_isInvalidArgument() {
        InferenceGrpc.InferenceBlockingStub stub = stub(start(config(), new FakeServing(List.of(), false)));
        GenerateRequest request = request()
                .addAdapters(AdapterRef.newBuilder().setName("sound").setScale(Double.NaN))
                .build();

        assertStatus(() -> all(stub.generate(request)), Status.Code.INVALID_ARGUMENT, "adapter scale is NaN");
    }

    @Test
    void generate_clientGoesAway_abortsTheRequest() throws InterruptedException {
        FakeServing serving = new FakeServing(List.of(), true);
        OpenLoraServer server = start(config(), serving);

        try (Context.CancellableContext context = Context.current().withCancellation()) {
            context.run(() -> {
                Iterator<GenerateResponse> events =
                        stub(server).generate(request().build());
                assertThat(events.next().hasStarted()).isTrue();
            });
        }

        serving.awaitAbort();
    }

    @Test
    void generate_keyNeededAndMissing_isUnauthenticated() {
        OpenLoraServer server = start(keyed(), new FakeServing(List.of("x"), false));

        assertStatus(() -> all(stub(server).generate(request().build())), Status.Code.UNAUTHENTICATED, "API key");
    }

    @Test
    void generate_rightKey_isServedForItsTenant() throws InterruptedException {
        FakeServing serving = new FakeServing(List.of("x"), false);
        OpenLoraServer server = start(keyed(), serving);
        InferenceGrpc.InferenceBlockingStub stub = GrpcClients.builder("gproto+http://" + server.address() + "/")
                .addHeader(HttpHeaderNames.AUTHORIZATION, "Bearer " + KEY)
                .build(InferenceGrpc.InferenceBlockingStub.class);

        assertThat(text(all(stub.generate(request().build())))).isEqualTo("x!");
        assertThat(serving.calls().take().tenant().name()).isEqualTo("acme");
    }

    @Test
    void listModels_isTheServedOne() {
        InferenceGrpc.InferenceBlockingStub stub = stub(start(config(), new FakeServing(List.of(), false)));

        assertThat(stub.listModels(ListModelsRequest.getDefaultInstance())
                        .getModels(0)
                        .getName())
                .isEqualTo("fake");
    }

    @Test
    void tokenize_text_givesIds() {
        InferenceGrpc.InferenceBlockingStub stub = stub(start(config(), new FakeServing(List.of(), false)));

        assertThat(stub.tokenize(TokenizeRequest.newBuilder()
                                .setPrompt(Prompt.newBuilder().setText("ab"))
                                .build())
                        .getIdsList())
                .containsExactly(97, 98);
    }

    @Test
    void health_listening_isServing() {
        OpenLoraServer server = start(config(), new FakeServing(List.of(), false));

        assertThat(WebClient.of("http://" + server.address())
                        .blocking()
                        .get("/health")
                        .status())
                .isEqualTo(HttpStatus.OK);
        assertThat(GrpcClients.newClient("gproto+http://" + server.address() + "/", HealthGrpc.HealthBlockingStub.class)
                        .check(HealthCheckRequest.getDefaultInstance())
                        .getStatus())
                .isEqualTo(HealthCheckResponse.ServingStatus.SERVING);
    }

    @Test
    void start_portTaken_isOneLineThatNamesIt() {
        OpenLoraServer server = start(config(), new FakeServing(List.of(), false));

        assertThatThrownBy(() -> start(config().withPort(server.port()), new FakeServing(List.of(), false)))
                .isInstanceOf(Problem.class)
                .hasMessageContaining(server.address() + " is already in use")
                .hasMessageContaining("--port");
    }

    private OpenLoraServer start(ServerConfig config, FakeServing serving) {
        OpenLoraServer server = OpenLoraServer.start(
                config,
                serving,
                new FakeDesk(),
                desk(config),
                new ServerMetrics("fake", InstantSource.system(), System::nanoTime));
        open.add(server);
        return server;
    }

    private ReceiptDesk desk(ServerConfig config) {
        Installation own = installation().withHome(home.resolve("state" + open.size()));
        Operator operator = Operator.load(own, config, Map.of());
        Ledger ledger = Ledger.open(LedgerLocation.of(own.ledger()), operator.identity());
        open.add(ledger);
        return new ReceiptDesk(LedgerView.of(ledger), operator, Optional::empty);
    }

    private ServerConfig config() {
        return ConfigLoader.load(installation(), null).withPort(0);
    }

    private ServerConfig keyed() {
        return config().withTenants(List.of(new Tenant("acme", KEY, "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")));
    }

    private Installation installation() {
        return new Installation(Path.of(System.getProperty("openlora.root")), home);
    }

    private static InferenceGrpc.InferenceBlockingStub stub(OpenLoraServer server) {
        return GrpcClients.newClient(
                "gproto+http://" + server.address() + "/", InferenceGrpc.InferenceBlockingStub.class);
    }

    private static GenerateRequest.Builder request() {
        return GenerateRequest.newBuilder().setPrompt(Prompt.newBuilder().setText("Hello"));
    }

    private static List<GenerateResponse> all(Iterator<GenerateResponse> events) {
        List<GenerateResponse> all = new ArrayList<>();
        events.forEachRemaining(all::add);
        return all;
    }

    private static String text(List<GenerateResponse> events) {
        StringBuilder text = new StringBuilder();
        events.forEach(event -> text.append(event.getDelta().getText()));
        return text.toString();
    }

    private static void assertStatus(Runnable call, Status.Code code, String description) {
        assertThatThrownBy(call::run)
                .asInstanceOf(InstanceOfAssertFactories.type(StatusRuntimeException.class))
                .satisfies(e -> {
                    assertThat(e.getStatus().getCode()).isEqualTo(code);
                    assertThat(e.getStatus().getDescription()).contains(description);
                });
    }
}
