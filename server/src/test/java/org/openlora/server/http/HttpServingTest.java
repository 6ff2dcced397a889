package org.openlora.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.linecorp.armeria.server.Server;
import com.linecorp.armeria.server.ServerBuilder;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.InstantSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.openlora.server.catalog.ResolvedModel;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.metrics.ServerMetrics;
import org.openlora.server.serving.ServingStack;

/// The bundled model behind HTTP, metering included.
class HttpServingTest {
    private static final ObjectMapper JACKSON = new ObjectMapper();
    private static final Path ROOT = Path.of(System.getProperty("openlora.root"));
    private static final List<String> MODELS =
            List.of("base", "harbour-keeper", "moon-gardener", "village-baker", "base:stargazer");
    private static final String QUESTION =
            "\"messages\": [{\"role\": \"user\", \"content\": \"Give me one piece of advice.\"}], \"max_tokens\": 24,"
                    + " \"temperature\": 0";

    private static @Nullable Running started;

    private record Running(ServingStack stack, HttpSurface surface, Server server, HttpClient client)
            implements AutoCloseable {
        CompletableFuture<HttpResponse<String>> post(String path, String body) {
            URI uri = URI.create("http://127.0.0.1:%d%s".formatted(server.activeLocalPort(), path));
            return client.sendAsync(
                    HttpRequest.newBuilder(uri)
                            .POST(HttpRequest.BodyPublishers.ofString(body))
                            .build(),
                    BodyHandlers.ofString());
        }

        CompletableFuture<HttpResponse<String>> ask(String model, String more) {
            return post("/v1/chat/completions", "{\"model\": \"%s\", %s%s}".formatted(model, QUESTION, more));
        }

        @Override
        public void close() {
            client.close();
            server.stop().join();
            surface.close();
            stack.close();
        }
    }

    @Test
    void answers_streamedTogetherForManyAdapters_areThoseGivenAlone() throws Exception {
        Running running = running();
        List<String> alone = new ArrayList<>();
        for (String model : MODELS) {
            JsonNode whole = JACKSON.readTree(running.ask(model, "").get().body());
            alone.add(whole.at("/choices/0/message/content").textValue());
        }
        List<CompletableFuture<HttpResponse<String>>> together = Stream.concat(MODELS.stream(), MODELS.stream())
                .map(model -> running.ask(model, ", \"stream\": true"))
                .toList();

        List<String> streamed = new ArrayList<>();
        for (CompletableFuture<HttpResponse<String>> answer : together) {
            streamed.add(text(answer.get().body()));
        }
        assertThat(alone).doesNotHaveDuplicates();
        assertThat(streamed.subList(0, MODELS.size())).isEqualTo(alone);
        assertThat(streamed.subList(MODELS.size(), streamed.size())).isEqualTo(alone);
    }

    @Test
    void completions_forEachToken_haveAnEventAndAreMetered() throws Exception {
        Running running = running();
        String body = running.post("/v1/completions", """
                        {"model": "stargazer", "prompt": [5, 6, 7], "max_tokens": 40, "ignore_eos": true,
                         "seed": 3, "stream": true, "stream_options": {"include_usage": true}, "logprobs": 2,
                         "openlora": true}""").get().body();

        List<JsonNode> events = events(body);
        // A token each, the end of the choice, the usage.
        assertThat(events).hasSize(42);
        assertThat(events.subList(0, 40)).allSatisfy(event -> assertThat(
                        event.at("/choices/0/logprobs/token_logprobs/0").floatValue())
                .isNegative());
        assertThat(events.getLast().get("usage").toString())
                .startsWith("{\"prompt_tokens\":3,\"completion_tokens\":40,\"total_tokens\":43");
        JsonNode evidence = events.get(40).at("/choices/0/openlora");
        assertThat(SignedAcknowledgement.fromJson(JACKSON.writeValueAsBytes(evidence.get("acknowledgement")))
                        .signer())
                .hasValue(running.stack().operator().key().address());
        running.stack().meter().drain(Duration.ofMinutes(2));
        assertThat(running.stack()
                        .meter()
                        .queries()
                        .receiptsOf(Bytes32.parse(evidence.get("request_id").textValue())))
                .singleElement()
                .satisfies(
                        signed -> assertThat(signed.receipt().generatedTokens()).isEqualTo(40));
    }

    @Test
    void completions_whatTheModelCannotServe_isABadRequest() throws Exception {
        Running running = running();
        String tooLong = "{\"prompt\": \"%s\"}".formatted("word ".repeat(2000));
        assertThat(running.post("/v1/completions", tooLong).get())
                .satisfies(answer -> assertThat(answer.statusCode()).isEqualTo(400))
                .satisfies(answer -> assertThat(answer.body()).contains("allowed is up to"));
        assertThat(running.post("/v1/completions", "{\"prompt\": [99999999]}").get())
                .satisfies(answer -> assertThat(answer.statusCode()).isEqualTo(400))
                .satisfies(answer -> assertThat(answer.body()).contains("not in the vocabulary"));
        assertThat(running.ask("star-gazer", "").get().statusCode()).isEqualTo(404);
    }

    @BeforeAll
    static void start(@TempDir Path home) {
        started = run(new Installation(ROOT, home));
    }

    @AfterAll
    static void stop() {
        running().close();
    }

    private static Running running() {
        return Objects.requireNonNull(started);
    }

    private static Running run(Installation installation) {
        ServerConfig config = ConfigLoader.load(installation, null).withServedModelName("base");
        ResolvedModel model = new ResolvedModel(
                "openlora-tiny",
                ROOT.resolve("models/openlora-tiny"),
                ROOT.resolve("examples/adapters"),
                ROOT.resolve("examples/datanets"),
                "");
        ServingStack stack = ServingStack.open(config, installation, model, Map.of());
        ServerMetrics metrics = new ServerMetrics("base", InstantSource.system(), System::nanoTime);
        HttpSurface surface = new HttpSurface(config, stack, stack.desk(), metrics, "1.2.3", () -> true);
        ServerBuilder builder = Server.builder().http(0);
        surface.addTo(builder);
        Server server = builder.build();
        server.start().join();
        return new Running(stack, surface, server, HttpClient.newHttpClient());
    }

    private static String text(String body) throws IOException {
        StringBuilder text = new StringBuilder();
        for (JsonNode event : events(body)) {
            text.append(event.at("/choices/0/delta/content").asText(""));
        }
        return text.toString();
    }

    private static List<JsonNode> events(String body) throws IOException {
        List<JsonNode> events = new ArrayList<>();
        for (String line : body.lines().filter(one -> one.startsWith("data: {")).toList()) {
            events.add(JACKSON.readTree(line.substring("data: ".length())));
        }
        return events;
    }
}
