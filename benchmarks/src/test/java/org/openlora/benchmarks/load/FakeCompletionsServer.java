package org.openlora.benchmarks.load;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/// Answers `/v1/models`, `/health` and streamed `/v1/completions` like an OpenAI-style server, with text without
/// sense. It remembers what it was asked and how many requests it had at once.
public final class FakeCompletionsServer implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int CACHED_TOKENS = 4;

    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<String> models;
    private final List<JsonNode> requests = new CopyOnWriteArrayList<>();
    private final AtomicInteger running = new AtomicInteger();
    private final AtomicInteger mostRunning = new AtomicInteger();

    public FakeCompletionsServer(List<String> models) throws IOException {
        this.models = models;
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/health", exchange -> answer(exchange, 200, ""));
        server.createContext("/v1/models", exchange -> answer(exchange, 200, modelList()));
        server.createContext("/v1/completions", this::complete);
        server.start();
    }

    public URI address() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    public List<JsonNode> requests() {
        return requests;
    }

    public int mostRunning() {
        return mostRunning.get();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.close();
    }

    private String modelList() {
        var list = JSON.createObjectNode();
        models.forEach(model -> list.withArray("data").addObject().put("id", model));
        return list.toString();
    }

    private void complete(HttpExchange exchange) throws IOException {
        JsonNode request = JSON.readTree(exchange.getRequestBody());
        requests.add(request);
        if (!models.contains(request.path("model").asText())) {
            answer(exchange, 404, "{\"error\":{\"message\":\"no such model\"}}");
            return;
        }
        mostRunning.accumulateAndGet(running.incrementAndGet(), Math::max);
        int tokens = request.path("max_tokens").asInt();
        exchange.getResponseHeaders().add("Content-Type", "text/event-stream");
        exchange.sendResponseHeaders(200, 0);
        try (OutputStream body = exchange.getResponseBody()) {
            for (int i = 0; i < tokens; i++) {
                event(body, "{\"choices\":[{\"index\":0,\"text\":\"t%d \"}]}".formatted(i));
            }
            running.decrementAndGet();
            event(
                    body,
                    "{\"choices\":[],\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d,\"prompt_tokens_details\":{\"cached_tokens\":%d}}}"
                            .formatted(2 * CACHED_TOKENS, tokens, CACHED_TOKENS));
            event(body, "[DONE]");
        } catch (IOException e) {
            running.decrementAndGet(); // the client gave up, as some tests do
        }
    }

    private static void event(OutputStream body, String payload) throws IOException {
        body.write(("data: " + payload + "\n\n").getBytes(StandardCharsets.UTF_8));
        body.flush();
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        try (OutputStream body = exchange.getResponseBody()) {
            body.write(bytes);
        }
    }
}
