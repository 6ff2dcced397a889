package org.openlora.benchmarks.load;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.linecorp.armeria.client.ClientFactory;
import com.linecorp.armeria.client.WebClient;
import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpObject;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.common.RequestHeadersBuilder;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.common.SessionProtocol;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.openlora.benchmarks.load.Completion.Outcome;
import org.openlora.server.problem.Problem;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;

/// Speaks to an OpenAI-style server over HTTP/1.1, on one event-loop thread: it shares the machine with the
/// server that it measures.
public final class CompletionsClient implements AutoCloseable {
    static final String PATH = "/v1/completions";

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MAX_QUOTED = 300;

    private final ClientFactory factory;
    private final WebClient client;
    private final @Nullable String apiKey;

    /// @param server base address, such as `http://127.0.0.1:8080`
    /// @param apiKey sent as a bearer token; null for none
    /// @param timeout of one whole request
    public CompletionsClient(URI server, @Nullable String apiKey, Duration timeout) {
        factory = ClientFactory.builder().workerGroup(1).build();
        client = WebClient.builder(
                        server.getScheme().equals("http")
                                ? SessionProtocol.H1C.uriText() + "://" + server.getAuthority()
                                : server.toString())
                .factory(factory)
                .responseTimeout(timeout)
                .maxResponseLength(0)
                .build();
        this.apiKey = apiKey;
    }

    /// Names of the models that the server offers: its base and its adapters.
    ///
    /// @throws Problem if it does not answer
    public List<String> models() {
        AggregatedHttpResponse response = get("/v1/models");
        List<String> names = new ArrayList<>();
        parse(response.contentUtf8())
                .path("data")
                .forEach(model -> names.add(model.path("id").asText()));
        return names;
    }

    /// What the server counts, by name and labels as its `/metrics` writes them; empty where it has no such page.
    public Map<String, Double> metrics() {
        AggregatedHttpResponse response = get("/metrics");
        Map<String, Double> values = new TreeMap<>();
        if (response.status().equals(HttpStatus.OK)) {
            response.contentUtf8()
                    .lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .forEach(line -> {
                        int space = line.lastIndexOf(' ');
                        values.put(line.substring(0, space), Double.parseDouble(line.substring(space + 1)));
                    });
        }
        return values;
    }

    /// Whether the server says that it can take requests.
    public boolean isHealthy() {
        try {
            return get("/health").status().equals(HttpStatus.OK);
        } catch (Problem e) {
            return false;
        }
    }

    /// Sends a request. The future never fails: a request that did not work is a result.
    public CompletableFuture<Completion> complete(CompletionRequest request) {
        return complete(request, Integer.MAX_VALUE);
    }

    /// Sends a request and gives it up after `abortAfter` pieces of text.
    public CompletableFuture<Completion> complete(CompletionRequest request, int abortAfter) {
        long start = System.nanoTime();
        HttpResponse response =
                client.execute(HttpRequest.of(headers(HttpMethod.POST, PATH), HttpData.wrap(request.body())));
        Reading reading = new Reading(request.adapter(), start, abortAfter);
        response.subscribe(reading, response.defaultSubscriberExecutor());
        return reading.result;
    }

    @Override
    public void close() {
        factory.close();
    }

    private AggregatedHttpResponse get(String path) {
        try {
            return client.execute(headers(HttpMethod.GET, path)).aggregate().join();
        } catch (CompletionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new Problem(
                    "%s%s does not answer: %s".formatted(client.uri(), path, Problem.describe(cause)),
                    "check --url and whether the server runs",
                    cause);
        }
    }

    private RequestHeaders headers(HttpMethod method, String path) {
        RequestHeadersBuilder headers = RequestHeaders.builder(method, path);
        if (method == HttpMethod.POST) {
            headers.contentType(MediaType.JSON).add(HttpHeaderNames.ACCEPT, MediaType.EVENT_STREAM.toString());
        }
        if (apiKey != null) {
            headers.add(HttpHeaderNames.AUTHORIZATION, "Bearer " + apiKey);
        }
        return headers.build();
    }

    private static JsonNode parse(String json) {
        try {
            return JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new Problem("the server answered %s".formatted(quoted(json)), "check --url", e);
        }
    }

    private static String quoted(String text) {
        return text.length() > MAX_QUOTED ? text.substring(0, MAX_QUOTED) + "..." : text;
    }

    /// Follows one response on the event loop.
    private static final class Reading implements Subscriber<HttpObject> {
        final CompletableFuture<Completion> result = new CompletableFuture<>();

        private final int adapter;
        private final long startNanos;
        private final int abortAfter;
        private final List<Long> arrivals = new ArrayList<>();
        private final List<Completion.Token> tokens = new ArrayList<>();
        private final EventStream events = new EventStream(this::event);
        private final StringBuilder refusal = new StringBuilder();
        private HttpStatus status = HttpStatus.UNKNOWN;
        private @Nullable Subscription subscription;
        private @Nullable String problem;
        private JsonNode usage = JSON.missingNode();
        private boolean done;
        private boolean aborted;
        private long now;

        Reading(int adapter, long startNanos, int abortAfter) {
            this.adapter = adapter;
            this.startNanos = startNanos;
            this.abortAfter = abortAfter;
        }

        @Override
        public void onSubscribe(Subscription opened) {
            subscription = opened;
            opened.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(HttpObject object) {
            now = System.nanoTime();
            switch (object) {
                case ResponseHeaders headers -> status = headers.status();
                case HttpData data when status.equals(HttpStatus.OK) -> events.feed(data.array());
                case HttpData data -> refusal.append(data.toStringUtf8());
                default -> {} // trailers
            }
            if (arrivals.size() >= abortAfter && !aborted && subscription != null) {
                aborted = true;
                subscription.cancel();
                end();
            }
        }

        @Override
        public void onError(Throwable failure) {
            problem = failure.getClass().getSimpleName() + ": " + failure.getMessage();
            end();
        }

        @Override
        public void onComplete() {
            if (!status.equals(HttpStatus.OK)) {
                problem = "HTTP %s %s".formatted(status.codeAsText(), quoted(refusal.toString()));
            } else if (!done && problem == null) {
                problem = "the stream ended without [DONE]";
            }
            end();
        }

        private void event(String payload) {
            if (payload.equals("[DONE]")) {
                done = true;
                return;
            }
            JsonNode event;
            try {
                event = JSON.readTree(payload);
            } catch (JsonProcessingException e) {
                problem = "an event is no JSON: " + quoted(payload);
                return;
            }
            if (event.hasNonNull("error")) {
                problem = quoted(event.get("error").toString());
            }
            if (event.hasNonNull("usage")) {
                usage = event.get("usage");
            }
            for (JsonNode choice : event.path("choices")) {
                if (!choice.path("text").asText("").isEmpty()) {
                    arrivals.add(now);
                }
                JsonNode drawn = choice.path("logprobs");
                for (int i = 0; i < drawn.path("tokens").size(); i++) {
                    tokens.add(new Completion.Token(
                            drawn.path("tokens").path(i).asText(),
                            drawn.path("token_logprobs").path(i).asDouble()));
                }
            }
        }

        private void end() {
            Outcome outcome = aborted ? Outcome.ABORTED : problem == null ? Outcome.FINISHED : Outcome.FAILED;
            result.complete(new Completion(
                    adapter,
                    startNanos,
                    arrivals,
                    tokens,
                    System.nanoTime(),
                    usage.path("completion_tokens").asInt(arrivals.size()),
                    usage.path("prompt_tokens").asInt(0),
                    usage.path("prompt_tokens_details").path("cached_tokens").asInt(0),
                    outcome,
                    outcome == Outcome.FAILED ? problem : null));
        }
    }
}
