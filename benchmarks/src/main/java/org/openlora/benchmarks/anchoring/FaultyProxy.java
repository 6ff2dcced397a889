package org.openlora.benchmarks.anchoring;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.openlora.meter.chain.JsonRpc;

/// Stands between a flusher and its node and fails as nodes and networks do, each call with the same probability.
final class FaultyProxy implements AutoCloseable {
    private static final Pattern ID = Pattern.compile("\"id\":(\\d+)");
    private static final Duration NODE_LIMIT = Duration.ofSeconds(20);

    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final JsonRpc.Transport node;
    private final Map<String, String> earlier = new ConcurrentHashMap<>();
    private final Map<Fault, Integer> faults = new EnumMap<>(Fault.class);
    private final Random random;
    private final long hangMillis;
    private volatile double probability;

    /// What may happen to a call.
    enum Fault {
        /// The connection ends before the node sees the call.
        DROP,
        /// The node has taken the call, but its answer is lost.
        FORWARD_THEN_DROP,
        /// HTTP status 503.
        UNAVAILABLE,
        /// JSON-RPC error -32603.
        INTERNAL_ERROR,
        /// The node gets the call twice.
        DUPLICATE,
        /// A replica that lags gives the answer that was right before.
        STALE,
        /// No answer for longer than anybody waits.
        HANG,
        /// Half of the JSON.
        TRUNCATED
    }

    /// @param hangMillis longer than the client's timeout
    FaultyProxy(URI node, double probability, long hangMillis, long seed) throws IOException {
        this.node = JsonRpc.http(node, NODE_LIMIT);
        this.probability = probability;
        this.hangMillis = hangMillis;
        this.random = new Random(seed);
        this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", this::handle);
        server.start();
    }

    URI endpoint() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    /// From now on.
    void setProbability(double newProbability) {
        probability = newProbability;
    }

    /// How often each fault was played.
    synchronized Map<Fault, Integer> faults() {
        return new EnumMap<>(faults);
    }

    private synchronized Fault[] draw() {
        if (random.nextDouble() >= probability) {
            return new Fault[0];
        }
        Fault fault = Fault.values()[random.nextInt(Fault.values().length)];
        faults.merge(fault, 1, Integer::sum);
        return new Fault[] {fault};
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            Fault[] fault = draw();
            if (fault.length == 0) {
                answer(exchange, 200, forward(body));
            } else {
                play(fault[0], exchange, body);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void play(Fault fault, HttpExchange exchange, String body) throws IOException, InterruptedException {
        switch (fault) {
            case DROP -> {}
            case FORWARD_THEN_DROP -> forward(body);
            case UNAVAILABLE -> answer(exchange, 503, "busy");
            case INTERNAL_ERROR ->
                answer(
                        exchange,
                        200,
                        "{\"jsonrpc\":\"2.0\",\"id\":" + id(body)
                                + ",\"error\":{\"code\":-32603,\"message\":\"internal error\"}}");
            case DUPLICATE -> {
                forward(body);
                answer(exchange, 200, forward(body));
            }
            case STALE -> {
                String before = earlier.get(withoutId(body));
                answer(exchange, 200, before == null ? forward(body) : withId(before, id(body)));
            }
            case HANG -> Thread.sleep(hangMillis);
            case TRUNCATED -> {
                String whole = forward(body);
                answer(exchange, 200, whole.substring(0, whole.length() / 2));
            }
        }
    }

    private String forward(String body) throws IOException, InterruptedException {
        String answer = node.post(body);
        earlier.putIfAbsent(withoutId(body), answer);
        if (random.nextInt(4) == 0) {
            earlier.put(withoutId(body), answer); // the replica that lags moves on by leaps
        }
        return answer;
    }

    private static String id(String body) {
        Matcher matcher = ID.matcher(body);
        return matcher.find() ? matcher.group(1) : "null";
    }

    private static String withoutId(String body) {
        return ID.matcher(body).replaceFirst("");
    }

    private static String withId(String answer, String id) {
        return ID.matcher(answer).replaceFirst("\"id\":" + id);
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
