package org.openlora.meter.chain;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.math.BigInteger;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Hex;

/// Ethereum JSON-RPC over HTTP: one request at a time or a batch, every answer matched to its request by id. With
/// several endpoints, one that fails is passed over for a while and the next one is asked. Any thread.
public final class JsonRpc {
    private static final JsonMapper JSON = new JsonMapper();
    /// "Internal error" and "limit exceeded": the node's trouble, which another node may not have.
    private static final Set<Integer> AILING = Set.of(-32603, -32005);

    private final List<RpcEndpoint> endpoints;
    private final AtomicLong ids = new AtomicLong();
    private volatile String answering;

    /// Carries one request body to the node and brings its answer's body back.
    @FunctionalInterface
    public interface Transport {
        /// @throws IOException where there is no answer; its message says why
        String post(String body) throws IOException, InterruptedException;
    }

    /// One call of a batch.
    public record Call(String method, List<Object> parameters) {
        public Call(String method, Object... parameters) {
            this(method, List.of(parameters));
        }
    }

    /// @param timeout for connecting and for each answer
    public JsonRpc(URI endpoint, Duration timeout) {
        this(List.of(endpoint), timeout);
    }

    /// @param endpoints of one chain, the preferred one first
    /// @param timeout for connecting and for each answer
    public JsonRpc(List<URI> endpoints, Duration timeout) {
        this(endpoints.stream()
                .map(endpoint -> new RpcEndpoint(endpoint.toString(), http(endpoint, timeout)))
                .toList());
    }

    /// @param endpoint how error messages name the node
    public JsonRpc(String endpoint, Transport transport) {
        this(List.of(new RpcEndpoint(endpoint, transport)));
    }

    JsonRpc(List<RpcEndpoint> endpoints) {
        if (endpoints.isEmpty()) {
            throw new IllegalArgumentException("a chain needs at least one endpoint");
        }
        this.endpoints = List.copyOf(endpoints);
        this.answering = this.endpoints.getFirst().name();
    }

    /// Posts to a node.
    public static Transport http(URI endpoint, Duration timeout) {
        HttpClient client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(timeout)
                .build();
        return body -> {
            HttpRequest request = HttpRequest.newBuilder(endpoint)
                    .timeout(timeout)
                    .header("Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofString(body))
                    .build();
            HttpResponse<String> response =
                    within(timeout, client.sendAsync(request, HttpResponse.BodyHandlers.ofString()));
            if (response.statusCode() != 200) {
                throw new IOException("HTTP status " + response.statusCode());
            }
            return response.body();
        };
    }

    /// The request's own limit ends with the answer's head; this one holds for all of it.
    private static <T> T within(Duration limit, CompletableFuture<T> answer) throws IOException, InterruptedException {
        try {
            return answer.get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException cause ? cause : new IOException(e.getCause());
        } catch (TimeoutException e) {
            throw new HttpTimeoutException("timed out");
        } finally {
            answer.cancel(true);
        }
    }

    /// The endpoint that answered last, as error messages name it.
    public String endpoint() {
        return answering;
    }

    /// Each endpoint alone, for what more than one node should confirm.
    List<JsonRpc> each() {
        return endpoints.stream()
                .map(endpoint -> new JsonRpc(List.of(endpoint)))
                .toList();
    }

    /// The result of one call.
    ///
    /// @throws ChainException.Unreachable where no valid answer came
    /// @throws ChainException.Refused where the node answered with an error
    public JsonNode call(String method, Object... parameters) {
        ObjectNode request = request(new Call(method, parameters));
        long id = request.get("id").longValue();
        return ask(endpoint -> result(endpoint, method, post(endpoint, request), id));
    }

    /// The results of several calls sent as one request, in their order; a call the node refused is its
    /// exception.
    public List<Answer> batch(List<Call> calls) {
        ArrayNode requests = JSON.createArrayNode();
        calls.forEach(call -> requests.add(request(call)));
        return ask(endpoint -> answers(endpoint, calls, requests, post(endpoint, requests)));
    }

    private static List<Answer> answers(RpcEndpoint endpoint, List<Call> calls, ArrayNode requests, JsonNode answers) {
        Map<Long, JsonNode> byId = new HashMap<>();
        answers.forEach(answer -> byId.put(id(answer), answer));
        List<Answer> results = new ArrayList<>();
        for (int i = 0; i < calls.size(); i++) {
            long id = requests.get(i).get("id").longValue();
            JsonNode answer = byId.getOrDefault(id, JSON.missingNode());
            try {
                results.add(new Answer.Success(result(endpoint, calls.get(i).method(), answer, id)));
            } catch (ChainException.Refused refused) {
                results.add(new Answer.Failure(refused));
            }
        }
        return results;
    }

    /// One call's outcome within a batch.
    public sealed interface Answer {
        record Success(JsonNode value) implements Answer {}

        record Failure(ChainException.Refused refused) implements Answer {}
    }

    /// A quantity, `0x…` without leading zeros.
    static String quantity(BigInteger value) {
        return "0x" + value.toString(16);
    }

    static String quantity(long value) {
        return "0x" + Long.toHexString(value);
    }

    /// A quantity of an answer.
    public BigInteger integer(JsonNode node) {
        String text = node.asText();
        if (!text.matches("0x[0-9a-fA-F]{1,64}")) {
            throw unreachable("answered " + abbreviated(node) + " where a quantity belongs", null);
        }
        return new BigInteger(text.substring(2), 16);
    }

    /// A quantity of an answer that fits 64 bits.
    public long longInteger(JsonNode node) {
        return integer(node).longValueExact();
    }

    /// Bytes of an answer.
    public byte[] bytes(JsonNode node) {
        try {
            return Hex.decode(node.asText());
        } catch (IllegalArgumentException e) {
            throw unreachable("answered " + abbreviated(node) + " where bytes belong", e);
        }
    }

    /// A 32-byte word of an answer.
    public Bytes32 word(JsonNode node) {
        byte[] bytes = bytes(node);
        if (bytes.length != Bytes32.SIZE_BYTES) {
            throw unreachable("answered " + abbreviated(node) + " where a hash belongs", null);
        }
        return Bytes32.of(bytes);
    }

    private ObjectNode request(Call call) {
        ObjectNode request = JSON.createObjectNode()
                .put("jsonrpc", "2.0")
                .put("id", ids.incrementAndGet())
                .put("method", call.method());
        request.set("params", JSON.valueToTree(call.parameters()));
        return request;
    }

    /// Asks the endpoints in turn, those that rest last, until one gives an answer that is one.
    private <T> T ask(Function<RpcEndpoint, T> question) {
        List<RpcEndpoint> order = new ArrayList<>(endpoints);
        order.sort(Comparator.comparing(RpcEndpoint::rests));
        for (int i = 0; ; i++) {
            RpcEndpoint endpoint = order.get(i);
            boolean last = i == order.size() - 1 || Thread.currentThread().isInterrupted();
            try {
                T answer = question.apply(endpoint);
                endpoint.succeeded();
                answering = endpoint.name();
                return answer;
            } catch (ChainException.Unreachable e) {
                endpoint.failed();
                if (last) {
                    throw e;
                }
            } catch (ChainException.Refused e) {
                answering = endpoint.name();
                if (last || !AILING.contains(e.code())) {
                    throw e;
                }
                endpoint.failed();
            }
        }
    }

    private static JsonNode post(RpcEndpoint endpoint, JsonNode request) {
        try {
            return JSON.readTree(endpoint.transport().post(request.toString()));
        } catch (JsonProcessingException e) {
            throw unreachable(endpoint.name(), "answered something that is not JSON", e);
        } catch (IOException e) {
            throw unreachable(endpoint.name(), reason(e), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unreachable(endpoint.name(), "interrupted", e);
        }
    }

    /// The id of an answer; -1 where it has none that we gave.
    private static long id(JsonNode answer) {
        JsonNode id = answer.path("id");
        return id.isIntegralNumber() ? id.longValue() : -1;
    }

    private static JsonNode result(RpcEndpoint endpoint, String method, JsonNode answer, long id) {
        if (id(answer) != id) {
            throw unreachable(
                    endpoint.name(),
                    "answered " + method + " with id " + answer.path("id") + " instead of " + id,
                    null);
        }
        JsonNode error = answer.get("error");
        if (error != null && !error.isNull()) {
            throw new ChainException.Refused(
                    method + " refused by " + endpoint.name() + ": "
                            + oneLine(error.path("message").asText("no message")),
                    error.path("code").asInt(),
                    revertData(error.path("data")));
        }
        JsonNode result = answer.get("result");
        if (result == null) {
            throw unreachable(endpoint.name(), "answered " + method + " with neither result nor error", null);
        }
        return result;
    }

    /// Nodes give the revert's data as text or within an object.
    private static String revertData(JsonNode data) {
        if (data.isTextual() && data.asText().startsWith("0x")) {
            return data.asText();
        }
        return data.path("data").asText("0x");
    }

    /// That the endpoint which answered last answered something unusable.
    ChainException.Unreachable unreachable(String reason, @Nullable Throwable cause) {
        return unreachable(answering, reason, cause);
    }

    private static ChainException.Unreachable unreachable(String endpoint, String reason, @Nullable Throwable cause) {
        return new ChainException.Unreachable("unreachable chain " + endpoint + ": " + oneLine(reason), cause);
    }

    private static String reason(IOException e) {
        return switch (e) {
            case ConnectException c -> "connection refused";
            case HttpTimeoutException t -> "timed out";
            default -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        };
    }

    private static String oneLine(String text) {
        return text.replaceAll("\\s+", " ").strip();
    }

    private static String abbreviated(JsonNode node) {
        String text = node.toString();
        return text.length() <= 60 ? text : text.substring(0, 57) + "...";
    }
}
