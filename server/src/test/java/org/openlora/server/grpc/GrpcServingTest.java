package org.openlora.server.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.linecorp.armeria.client.ClientFactory;
import com.linecorp.armeria.client.grpc.GrpcClients;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.api.v1.AdapterRef;
import org.openlora.api.v1.GenerateRequest;
import org.openlora.api.v1.GenerateResponse;
import org.openlora.api.v1.InferenceGrpc;
import org.openlora.api.v1.Prompt;
import org.openlora.api.v1.SamplingParams;
import org.openlora.api.v1.TokenIds;
import org.openlora.server.catalog.ResolvedModel;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.listener.OpenLoraServer;
import org.openlora.server.metrics.ServerMetrics;
import org.openlora.server.receipts.LedgerView;
import org.openlora.server.receipts.ReceiptDesk;
import org.openlora.server.serving.ServingStack;

/// The bundled model behind gRPC, over a real connection.
class GrpcServingTest {
    private static final Path ROOT = Path.of(System.getProperty("openlora.root"));
    private static final int MAX_BUFFERED_EVENTS = 64;
    /// Bytes that the server may send before the client reads: some two hundred tokens with their log-probabilities.
    private static final int STREAM_WINDOW_BYTES = 65_535;
    private static final int UNREAD_CHOICES = 4;
    private static final int UNREAD_TOKENS = 900;

    @TempDir
    Path home;

    @Test
    void generate_clientDoesNotRead_isAbortedAndHoldsNobodyUp() throws Exception {
        ServerConfig config = config();
        try (ServingStack stack = stack(config);
                OpenLoraServer server = OpenLoraServer.start(
                        config,
                        stack,
                        stack.desk(),
                        new ReceiptDesk(LedgerView.of(stack.meter()), stack.operator(), Optional::empty),
                        new ServerMetrics("openlora-tiny", InstantSource.system(), System::nanoTime));
                ClientFactory clients = ClientFactory.builder()
                        .http2InitialStreamWindowSize(STREAM_WINDOW_BYTES)
                        .build()) {
            String address = "gproto+http://" + server.address() + "/";
            Reader alone = new Reader(Integer.MAX_VALUE);
            stub(clients, address).generate(read(), alone);
            assertThat(alone.status()).isEqualTo(Status.Code.OK);

            Reader stalled = new Reader(0);
            stub(clients, address).generate(unread(), stalled);
            awaitRunning(stack);
            List<Reader> others = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                Reader other = new Reader(Integer.MAX_VALUE);
                stub(clients, address).generate(read(), other);
                others.add(other);
            }

            for (Reader other : others) {
                assertThat(other.status()).isEqualTo(Status.Code.OK);
                assertThat(other.tokens()).isEqualTo(alone.tokens());
            }
            awaitIdle(stack);
            assertThat(stalled.tokens()).as("nobody asked for them").isEmpty();
            stalled.request(Integer.MAX_VALUE);
            assertThat(stalled.status()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
            assertThat(stalled.tokens())
                    .as("what was sent before")
                    .hasSizeBetween(1, UNREAD_CHOICES * UNREAD_TOKENS - MAX_BUFFERED_EVENTS);
            assertThat(stack.engineStats().freeBlocks())
                    .isEqualTo(stack.engineStats().totalBlocks());
            assertThat(stack.adapterStats().leased()).isZero();
        }
    }

    private static void awaitRunning(ServingStack stack) throws InterruptedException {
        while (stack.engineStats().runningRequests() == 0) {
            Thread.sleep(1);
        }
    }

    private static void awaitIdle(ServingStack stack) throws InterruptedException {
        while (stack.engineStats().runningRequests() + stack.engineStats().waitingRequests() > 0) {
            Thread.sleep(1);
        }
    }

    private static GenerateRequest read() {
        return request(SamplingParams.newBuilder().setMaxTokens(100).setIgnoreEos(true))
                .build();
    }

    private static GenerateRequest unread() {
        return request(SamplingParams.newBuilder()
                        .setMaxTokens(UNREAD_TOKENS)
                        .setIgnoreEos(true)
                        .setLogprobs(20))
                .setN(UNREAD_CHOICES)
                .build();
    }

    private static GenerateRequest.Builder request(SamplingParams.Builder sampling) {
        return GenerateRequest.newBuilder()
                .setPrompt(Prompt.newBuilder()
                        .setTokens(TokenIds.newBuilder().addIds(5).addIds(6).addIds(7)))
                .addAdapters(AdapterRef.newBuilder().setName("harbour-keeper").setScale(1))
                .setReturnTokenIds(true)
                .setSampling(sampling);
    }

    private static InferenceGrpc.InferenceStub stub(ClientFactory clients, String address) {
        return GrpcClients.builder(address)
                .factory(clients)
                .responseTimeoutMillis(0)
                .maxResponseLength(0)
                .build(InferenceGrpc.InferenceStub.class);
    }

    private ServerConfig config() throws IOException {
        String shipped = Files.readString(ROOT.resolve("config/openlora.yaml"));
        String changed = shipped.replaceFirst("maxBufferedEvents: \\d+", "maxBufferedEvents: " + MAX_BUFFERED_EVENTS);
        assertThat(changed).isNotEqualTo(shipped);
        Path file = Files.writeString(home.resolve("openlora.yaml"), changed);
        return ConfigLoader.load(new Installation(ROOT, home), file).withPort(0);
    }

    private ServingStack stack(ServerConfig config) {
        ResolvedModel model = new ResolvedModel(
                "openlora-tiny",
                ROOT.resolve("models/openlora-tiny"),
                ROOT.resolve("examples/adapters"),
                ROOT.resolve("examples/datanets"),
                "");
        return ServingStack.open(config, new Installation(ROOT, home), model, Map.of());
    }

    /// A client that reads as many messages as it is told to.
    private static final class Reader implements ClientResponseObserver<GenerateRequest, GenerateResponse> {
        private final int initially;
        private final List<Integer> tokens = new ArrayList<>();
        private final CompletableFuture<Status> end = new CompletableFuture<>();
        private @Nullable ClientCallStreamObserver<GenerateRequest> call;

        Reader(int initially) {
            this.initially = initially;
        }

        @Override
        public void beforeStart(ClientCallStreamObserver<GenerateRequest> call) {
            this.call = call;
            call.disableAutoRequestWithInitial(initially);
        }

        @Override
        public synchronized void onNext(GenerateResponse response) {
            tokens.addAll(response.getDelta().getTokenIdsList());
        }

        @Override
        public void onError(Throwable failure) {
            end.complete(Status.fromThrowable(failure));
        }

        @Override
        public void onCompleted() {
            end.complete(Status.OK);
        }

        void request(int messages) {
            Objects.requireNonNull(call).request(messages);
        }

        /// Waits for the end.
        Status.Code status() {
            return end.join().getCode();
        }

        synchronized List<Integer> tokens() {
            return List.copyOf(tokens);
        }
    }
}
