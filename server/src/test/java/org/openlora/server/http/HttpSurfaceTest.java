package org.openlora.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.linecorp.armeria.server.Server;
import com.linecorp.armeria.server.ServerBuilder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.openlora.engine.EngineException;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.openlora.server.adapters.FakeDesk;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.config.ServerConfig.Tenant;
import org.openlora.server.metrics.ServerMetrics;

/// The surface over real connections, in front of a stack that says what the test says.
class HttpSurfaceTest {
    private static final ObjectMapper JACKSON = new ObjectMapper();
    private static final String KEY = "0123456789abcdef";
    private static final Path ROOT = Path.of(System.getProperty("openlora.root"));
    private static final ServerConfig CONFIG = ConfigLoader.load(new Installation(ROOT, Path.of("no-home")), null);

    private static final ScriptedServing serving = new ScriptedServing();
    private static final AtomicBoolean ready = new AtomicBoolean(true);
    private static final HttpClient client = HttpClient.newHttpClient();
    private static final Listening listening = listen(CONFIG);

    /// One server for all: it ends slowly, and knows nothing of a request that is over.
    private record Listening(Server server, HttpSurface surface) {
        void stop() {
            server.stop().join();
            surface.close();
        }
    }

    private static Listening listen(ServerConfig config) {
        FakeDesk desk = new FakeDesk().with("sound", ScriptedServing.ADAPTER).withBroken("broken", "r is 0");
        ServerMetrics metrics = new ServerMetrics("base", InstantSource.system(), System::nanoTime);
        HttpSurface surface = new HttpSurface(config, metrics.metered(serving), desk, metrics, "1.2.3", ready::get);
        ServerBuilder builder = Server.builder().http(0).maxRequestLength(4096);
        surface.addTo(builder);
        Server server = builder.build();
        server.start().join();
        return new Listening(server, surface);
    }

    @AfterAll
    static void stop() {
        client.close();
        listening.stop();
    }

    @Test
    void completions_streamed_isTheseBytes() throws Exception {
        CompletableFuture<HttpResponse<String>> answer = post("/v1/completions", """
                {"model": "sound", "prompt": "ab", "stream": true, "stream_options": {"include_usage": true}}""");
        serving.next().start().say(0, "Good", "", " \"day\"\n").finish(0, "!", 4, 1);

        assertThat(answer.get().headers().firstValue("content-type")).hasValue("text/event-stream");
        String head =
                "data: {\"id\":\"cmpl-made-up\",\"object\":\"text_completion\",\"created\":0,\"model\":\"sound\",";
        String unfinished = ",\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n";
        assertThat(answer.get().body().replaceAll("\"created\":[0-9]+", "\"created\":0"))
                .isEqualTo(head + "\"choices\":[{\"index\":0,\"text\":\"Good\"" + unfinished
                        + head + "\"choices\":[{\"index\":0,\"text\":\"\"" + unfinished
                        + head + "\"choices\":[{\"index\":0,\"text\":\" \\\"day\\\"\\n\"" + unfinished
                        + head
                        + "\"choices\":[{\"index\":0,\"text\":\"!\",\"logprobs\":null,\"finish_reason\":\"stop\"}],"
                        + "\"usage\":null}\n\n"
                        + head + "\"choices\":[],\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":3,"
                        + "\"total_tokens\":5,\"prompt_tokens_details\":{\"cached_tokens\":1}}}\n\n"
                        + "data: [DONE]\n\n");
    }

    @Test
    void completions_streamedWithEvidence_guessesComeBetweenTheTextAndSayThatTheyAreProvisional() throws Exception {
        CompletableFuture<HttpResponse<String>> answer = post("/v1/completions", """
                {"model": "sound", "prompt": "ab", "stream": true, "openlora": true}""");
        ScriptedServing.Submitted submitted = serving.next();
        assertThat(submitted.call().provisional()).isTrue();
        submitted.start().say(0, "Good", " day").guess(0, 0, 2).say(0, "!").finish(0, "", 3, 0);

        List<JsonNode> events = events(answer.get().body());
        JsonNode guess = events.get(2).required("choices").get(0);
        assertThat(guess.required("text").asText()).isEmpty();
        assertThat(guess.required("openlora")).isEqualTo(JACKSON.readTree("""
                {"provisional": {"start": 0, "length": 2, "rarity_bits": 41.0, "source_count": 3, "sources": [
                  {"datanet": "sha256:%1$s", "contributor": "0x%1$s", "row": 17}]}}""".formatted("0".repeat(64))));
        assertThat(events.get(4).required("choices").get(0).required("openlora").has("acknowledgement"))
                .isTrue();
    }

    @Test
    void completions_notStreamedOrWithoutEvidence_askForNoGuesses() throws Exception {
        for (String rest : List.of("\"openlora\": true", "\"stream\": true")) {
            CompletableFuture<HttpResponse<String>> answer =
                    post("/v1/completions", "{\"model\": \"sound\", \"prompt\": \"ab\", " + rest + "}");
            ScriptedServing.Submitted submitted = serving.next();
            assertThat(submitted.call().provisional()).isFalse();
            submitted.start().say(0, "x").finish(0, "", 1, 0);
            assertThat(answer.get().statusCode()).isEqualTo(200);
        }
    }

    @Test
    void chat_streamed_beginsWithTheRole() throws Exception {
        CompletableFuture<HttpResponse<String>> answer = post("/v1/chat/completions", """
                {"messages": [{"role": "user", "content": "hi"}], "stream": true}""");
        serving.next().start().say(0, "Hey").finish(0, "", 1, 0);

        List<JsonNode> events = events(answer.get().body());
        assertThat(events).extracting(event -> event.get("object").textValue()).containsOnly("chat.completion.chunk");
        assertThat(events)
                .extracting(event -> event.at("/choices/0/delta").toString())
                .containsExactly("{\"role\":\"assistant\",\"content\":\"\"}", "{\"content\":\"Hey\"}", "{}");
        assertThat(events)
                .extracting(event -> event.at("/choices/0/finish_reason").asText())
                .containsExactly("null", "null", "stop");
        assertThat(events).noneMatch(event -> event.has("usage"));
    }

    @Test
    void completions_whole_isOneObject() throws Exception {
        CompletableFuture<HttpResponse<String>> answer = post(
                "/v1/completions", "{\"model\": \"base\", \"prompt\": \"ab\", \"echo\": true, \"openlora\": true}");
        serving.next().start().say(0, "c", "d").finish(0, "e", 3, 2);

        JsonNode body = JACKSON.readTree(answer.get().body());
        assertThat(body.get("object").textValue()).isEqualTo("text_completion");
        assertThat(body.at("/choices/0/text").textValue()).isEqualTo("abcde");
        assertThat(body.at("/choices/0/finish_reason").textValue()).isEqualTo("stop");
        assertThat(body.get("usage").toString())
                .isEqualTo("{\"prompt_tokens\":2,\"completion_tokens\":3,\"total_tokens\":5,"
                        + "\"prompt_tokens_details\":{\"cached_tokens\":2}}");
        JsonNode evidence = body.at("/choices/0/openlora");
        assertThat(evidence.get("base_digest").textValue()).isEqualTo(ScriptedServing.BASE.toString());
        assertThat(SignedAcknowledgement.fromJson(JACKSON.writeValueAsBytes(evidence.get("acknowledgement")))
                        .signer())
                .isPresent();
    }

    @Test
    void chat_whole_isAMessage() throws Exception {
        CompletableFuture<HttpResponse<String>> answer =
                post("/v1/chat/completions", "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]}");
        serving.next().start().say(0, "Hey").finish(0, "", 1, 0);

        JsonNode body = JACKSON.readTree(answer.get().body());
        assertThat(body.get("id").textValue()).isEqualTo("chatcmpl-made-up");
        assertThat(body.get("model").textValue()).isEqualTo("base");
        assertThat(body.at("/choices/0/message").toString()).isEqualTo("{\"role\":\"assistant\",\"content\":\"Hey\"}");
    }

    @ParameterizedTest
    @MethodSource("bothForms")
    void completions_severalPromptsAndChoices_areIndexedByPromptThenChoice(boolean stream) throws Exception {
        CompletableFuture<HttpResponse<String>> answer = post(
                "/v1/completions",
                "{\"prompt\": [\"a\", [1, 2]], \"n\": 2, \"stream\": %s, \"request_id\": \"mine\"}".formatted(stream));
        ScriptedServing.Submitted first = serving.next().start();
        ScriptedServing.Submitted second = serving.next().start();
        assertThat(first.call().choices()).isEqualTo(2);
        assertThat(List.of(first.admission().requestId(), second.admission().requestId()))
                .containsExactly("mine-0", "mine-1");
        second.say(1, "D").finish(1, "", 1, 2);
        first.say(0, "A").say(1, "B").finish(1, "", 1, 1).finish(0, "", 1, 0);
        second.say(0, "C").finish(0, "", 1, 1);

        String body = answer.get().body();
        List<JsonNode> objects = stream ? events(body) : List.of(JACKSON.readTree(body));
        String[] texts = {"", "", "", ""};
        objects.forEach(object -> object.get("choices")
                .forEach(choice -> texts[choice.get("index").intValue()] +=
                        choice.get("text").textValue()));
        assertThat(texts).containsExactly("A", "B", "C", "D");
        if (!stream) {
            assertThat(objects.getFirst().get("usage").toString())
                    .isEqualTo("{\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":7,"
                            + "\"prompt_tokens_details\":{\"cached_tokens\":1}}");
        }
    }

    static Stream<Boolean> bothForms() {
        return Stream.of(true, false);
    }

    @ParameterizedTest
    @MethodSource("badRequests")
    void completions_badRequest_isAnErrorObject(String body, int status, String type, String message) throws Exception {
        HttpResponse<String> answer = post("/v1/completions", body).get();

        JsonNode error = JACKSON.readTree(answer.body()).get("error");
        assertThat(answer.statusCode()).isEqualTo(status);
        assertThat(error.get("code").intValue()).isEqualTo(status);
        assertThat(error.get("type").textValue()).isEqualTo(type);
        assertThat(error.get("message").textValue()).contains(message);
        assertThat(error.has("param")).isTrue();
        assertThat(answer.headers().firstValue("retry-after").isPresent()).isEqualTo(status == 429 || status == 503);
    }

    static Stream<Arguments> badRequests() {
        return Stream.of(
                arguments("{", 400, "BadRequestError", "not valid JSON"),
                arguments("{\"prompt\": \"a\", \"n\": 0}", 400, "BadRequestError", "n is 0"),
                arguments("{\"prompt\": \"a\", \"cache_salt\": \"\"}", 400, "BadRequestError", "cache_salt is empty"),
                arguments("{\"prompt\": \"a\", \"model\": \"absent\"}", 404, "NotFoundError", "absent"),
                arguments("{\"prompt\": \"a\", \"model\": \"base:absent\"}", 404, "NotFoundError", "absent"),
                arguments("{\"prompt\": \"too much\"}", 429, "RateLimitError", "queued already"),
                arguments("{\"prompt\": \"ending\"}", 503, "ServiceUnavailableError", "shutting down"),
                arguments("{\"prompt\": \"" + "x".repeat(5000) + "\"}", 413, "RequestTooLargeError", "larger than"));
    }

    @Test
    void completions_secondPromptRefused_endsTheFirst() throws Exception {
        HttpResponse<String> answer = post(
                        "/v1/completions",
                        "{\"prompt\": [\"a\", \"too much\"], \"request_id\": \"pair\", \"stream\": true}")
                .get();

        assertThat(answer.statusCode()).isEqualTo(429);
        serving.next();
        serving.awaitAborted("pair-0");
    }

    @ParameterizedTest
    @MethodSource("bothForms")
    void completions_failureBeforeTheFirstToken_isAStatus(boolean stream) throws Exception {
        CompletableFuture<HttpResponse<String>> answer =
                post("/v1/completions", "{\"prompt\": \"a\", \"stream\": %s}".formatted(stream));
        serving.next().fail(EngineException.Code.DEADLINE_EXCEEDED, "the deadline passed");

        assertThat(answer.get().statusCode()).isEqualTo(504);
        assertThat(JACKSON.readTree(answer.get().body()).at("/error/message").textValue())
                .isEqualTo("the deadline passed");
    }

    @Test
    void completions_failureInTheMiddle_isTheLastEvent() throws Exception {
        CompletableFuture<HttpResponse<String>> answer =
                post("/v1/completions", "{\"prompt\": \"a\", \"stream\": true}");
        serving.next().start().say(0, "x").fail(EngineException.Code.INTERNAL, "the step failed");

        assertThat(answer.get().statusCode()).isEqualTo(200);
        assertThat(events(answer.get().body()).getLast().toString())
                .isEqualTo(
                        "{\"error\":{\"message\":\"the step failed\",\"type\":\"InternalServerError\",\"param\":null,"
                                + "\"code\":500}}");
        assertThat(answer.get().body()).endsWith("data: [DONE]\n\n");
    }

    @Test
    void requestId_givenOrNot_comesBack() throws Exception {
        CompletableFuture<HttpResponse<String>> named = client.sendAsync(
                request(listening, "/v1/completions")
                        .header("X-Request-Id", "trace-1")
                        .POST(HttpRequest.BodyPublishers.ofString("{\"prompt\": \"a\"}"))
                        .build(),
                BodyHandlers.ofString());
        serving.next().start().finish(0, "", 1, 0);
        CompletableFuture<HttpResponse<String>> unnamed = post("/v1/completions", "{\"prompt\": \"a\"}");
        serving.next().start().finish(0, "", 1, 0);

        assertThat(named.get().headers().firstValue("x-request-id")).hasValue("trace-1");
        assertThat(unnamed.get().headers().firstValue("x-request-id")).hasValue("made-up");
    }

    @Test
    void everyService_keyNeededAndMissing_isUnauthorized() throws Exception {
        Listening keyed = listen(
                CONFIG.withTenants(List.of(new Tenant("acme", KEY, "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"))));
        try {
            HttpRequest.Builder models = request(keyed, "/v1/models");
            HttpRequest.Builder completion =
                    request(keyed, "/v1/completions").POST(HttpRequest.BodyPublishers.ofString("{\"prompt\": \"a\"}"));
            for (HttpRequest.Builder keyless : List.of(models, completion)) {
                HttpResponse<String> answer = client.send(keyless.build(), BodyHandlers.ofString());
                assertThat(answer.statusCode()).isEqualTo(401);
                assertThat(answer.body()).contains("AuthenticationError");
            }
            models.header("Authorization", "Bearer " + KEY);
            assertThat(client.send(models.build(), BodyHandlers.ofString()).statusCode())
                    .isEqualTo(200);
        } finally {
            keyed.stop();
        }
    }

    @Test
    void models_areTheBaseAndWhatCanBeNamed() throws Exception {
        JsonNode list = JACKSON.readTree(get("/v1/models").body());

        assertThat(list.get("object").textValue()).isEqualTo("list");
        assertThat(list.findValuesAsText("parent")).containsExactly("null", "base");
        assertThat(list.at("/data/0/id").textValue()).isEqualTo("base");
        assertThat(list.at("/data/1/root").textValue()).isEqualTo(ScriptedServing.ADAPTER.toString());
        assertThat(JACKSON.readTree(get("/v1/models/sound").body())).isEqualTo(list.at("/data/1"));
        assertThat(get("/v1/models/broken").statusCode()).isEqualTo(404);
    }

    @Test
    void loadAndUnload_answerAsVllmDoes() throws Exception {
        String load = """
                {"lora_name": "loaded", "lora_path": "hf://owner/name"}""";
        String unload = """
                {"lora_name": "loaded"}""";

        HttpResponse<String> loaded = post("/v1/load_lora_adapter", load).get();
        assertThat(loaded.statusCode()).isEqualTo(200);
        assertThat(loaded.headers().firstValue("content-type")).hasValue("text/plain; charset=utf-8");
        assertThat(loaded.body()).isEqualTo("Success: LoRA adapter 'loaded' added successfully.");
        assertThat(get("/v1/models/loaded").statusCode()).isEqualTo(200);
        assertError(
                post("/v1/load_lora_adapter", load).get(),
                400,
                "InvalidUserInput",
                "The lora adapter 'loaded' has already been loaded.");
        assertThat(post("/load_lora_adapter", """
                        {"lora_name": "loaded", "lora_path": "hf://owner/other", "load_inplace": true, "pinned": true}""").get().statusCode()).isEqualTo(200);

        assertThat(post("/v1/unload_lora_adapter", unload).get().body())
                .isEqualTo("Success: LoRA adapter 'loaded' removed successfully.");
        assertError(
                post("/v1/unload_lora_adapter", unload).get(),
                404,
                "NotFoundError",
                "The lora adapter 'loaded' cannot be found.");
        assertThat(get("/v1/models/loaded").statusCode()).isEqualTo(404);
    }

    @Test
    void load_withoutNameOrPath_isInvalidUserInput() throws Exception {
        assertError(
                post("/v1/load_lora_adapter", "{\"lora_name\": \"x\"}").get(),
                400,
                "InvalidUserInput",
                "Both 'lora_name' and 'lora_path' must be provided.");
    }

    @Test
    void unload_folderOfEverybody_isAConflict() throws Exception {
        assertError(
                post("/v1/unload_lora_adapter", "{\"lora_name\": \"sound\"}").get(), 409, "ConflictError", "folder");
    }

    @Test
    void metrics_countTheRequestsThatPass() throws Exception {
        String finished = "vllm:request_success_total{engine=\"0\",finished_reason=\"stop\",model_name=\"base\"}";
        double before = sample(get("/metrics").body(), finished);
        CompletableFuture<HttpResponse<String>> answer = post("/v1/completions", "{\"prompt\": \"a\"}");
        serving.next().start().say(0, "x", "y").finish(0, "", 2, 0);
        answer.get();

        HttpResponse<String> scraped = get("/metrics");
        assertThat(scraped.headers().firstValue("content-type")).hasValue("text/plain; version=0.0.4; charset=utf-8");
        assertThat(sample(scraped.body(), finished)).isEqualTo(before + 1);
    }

    @Test
    void metrics_noAdministratorsKey_isForbidden() throws Exception {
        Listening keyed = listen(
                CONFIG.withTenants(List.of(new Tenant("acme", KEY, "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"))));
        try {
            HttpRequest.Builder metrics = request(keyed, "/metrics");
            assertThat(client.send(metrics.build(), BodyHandlers.ofString()).statusCode())
                    .isEqualTo(401);
            metrics.header("Authorization", "Bearer " + KEY);
            assertError(
                    client.send(metrics.build(), BodyHandlers.ofString()),
                    403,
                    "PermissionDeniedError",
                    "administrators");
        } finally {
            keyed.stop();
        }
    }

    private static double sample(String scrape, String series) {
        return scrape.lines()
                .filter(line -> line.startsWith(series + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(series.length() + 1)))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no series " + series + " in\n" + scrape));
    }

    private static void assertError(HttpResponse<String> answer, int status, String type, String message)
            throws IOException {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        JsonNode error = JACKSON.readTree(answer.body()).get("error");
        assertThat(error.get("type").textValue()).isEqualTo(type);
        assertThat(error.get("code").intValue()).isEqualTo(status);
        assertThat(error.get("message").textValue()).contains(message);
    }

    @Test
    void healthAndVersion_answer() throws Exception {
        assertThat(get("/health"))
                .extracting(HttpResponse::statusCode, HttpResponse::body)
                .containsExactly(200, "");
        assertThat(get("/ping").statusCode()).isEqualTo(200);
        assertThat(get("/version").body()).isEqualTo("{\"version\":\"1.2.3\"}");
        assertThat(JACKSON.readTree(get("/v1/nothing").body()).at("/error/code").intValue())
                .isEqualTo(404);
        assertThat(get("/v1/completions").statusCode()).isEqualTo(405);

        ready.set(false);
        try {
            assertThat(get("/health").statusCode()).isEqualTo(503);
            assertThat(post("/v1/completions", "{\"prompt\": \"a\"}").get().statusCode())
                    .isEqualTo(503);
        } finally {
            ready.set(true);
        }
    }

    @ParameterizedTest
    @MethodSource("bothForms")
    void completions_clientGoesAway_abortsTheRequest(boolean stream) throws Exception {
        try (Socket socket = connect()) {
            send(socket, "{\"prompt\": \"a\", \"stream\": %s, \"request_id\": \"gone-%s\"}".formatted(stream, stream));
            serving.next().start().say(0, "x");
            if (stream) {
                assertThat(socket.getInputStream().read()).isEqualTo('H');
            }
        }

        serving.awaitAborted("gone-" + stream);
    }

    @Test
    void completions_clientDoesNotRead_isAbortedAndHoldsNobodyUp() throws Exception {
        String text = "far more text than one token has ".repeat(40);
        try (Socket stalled = connect()) {
            send(stalled, "{\"prompt\": \"a\", \"stream\": true, \"request_id\": \"stalled\"}");
            ScriptedServing.Submitted unread = serving.next().start();
            CompletableFuture<HttpResponse<String>> answer =
                    post("/v1/completions", "{\"prompt\": \"b\", \"stream\": true}");
            ScriptedServing.Submitted read = serving.next().start();
            // What the sockets' buffers hold, and the bounded queue behind them.
            for (int token = 0; token < 40_000; token++) {
                unread.say(0, text);
                if (token % 400 == 0) {
                    read.say(0, "y");
                }
            }
            serving.awaitAborted("stalled");
            read.finish(0, "", 100, 0);

            assertThat(events(answer.get().body())).hasSize(101);
        }
    }

    @Test
    void completions_clientReadsLate_getsEveryToken() throws Exception {
        try (Socket late = connect()) {
            send(late, "{\"prompt\": \"a\", \"stream\": true}");
            ScriptedServing.Submitted submitted = serving.next().start();
            String text = "text ".repeat(400);
            for (int token = 0; token < CONFIG.server().maxBufferedEvents() - 2; token++) {
                submitted.say(0, text);
            }
            submitted.finish(0, "", 1, 0);

            BufferedReader reader =
                    new BufferedReader(new InputStreamReader(late.getInputStream(), StandardCharsets.UTF_8));
            long tokens = 0;
            String line = reader.readLine();
            while (line != null && !line.equals("data: [DONE]")) {
                tokens += line.contains("\"finish_reason\":null") ? 1 : 0;
                line = reader.readLine();
            }
            assertThat(tokens).isEqualTo(CONFIG.server().maxBufferedEvents() - 2);
        }
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket();
        socket.setReceiveBufferSize(4096);
        socket.connect(new InetSocketAddress(
                InetAddress.getLoopbackAddress(), listening.server().activeLocalPort()));
        return socket;
    }

    private static void send(Socket socket, String body) throws IOException {
        socket.getOutputStream()
                .write(("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + body.length()
                                + "\r\n\r\n" + body)
                        .getBytes(StandardCharsets.US_ASCII));
    }

    private static HttpRequest.Builder request(Listening to, String path) {
        return HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:%d%s".formatted(to.server().activeLocalPort(), path)))
                .version(HttpClient.Version.HTTP_1_1);
    }

    private CompletableFuture<HttpResponse<String>> post(String path, String body) {
        return client.sendAsync(
                request(listening, path)
                        .header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build(),
                BodyHandlers.ofString());
    }

    private HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return client.send(request(listening, path).build(), BodyHandlers.ofString());
    }

    private static List<JsonNode> events(String body) throws IOException {
        assertThat(body).endsWith("data: [DONE]\n\n");
        List<JsonNode> events = new ArrayList<>();
        for (String event : body.lines().filter(line -> !line.isEmpty()).toList()) {
            assertThat(event).startsWith("data: ");
            if (!event.equals("data: [DONE]")) {
                events.add(JACKSON.readTree(event.substring("data: ".length())));
            }
        }
        return events;
    }
}
