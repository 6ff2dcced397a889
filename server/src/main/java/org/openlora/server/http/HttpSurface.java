package org.openlora.server.http;

import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServerBuilder;
import java.time.InstantSource;
import java.util.function.BooleanSupplier;
import org.openlora.server.adapters.AdapterDesk;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.metrics.ServerMetrics;
import org.openlora.server.serving.Serving;

/// The HTTP services, for a listener.
///
/// | path | answers |
/// |---|---|
/// | `POST /v1/completions`, `/v1/chat/completions` | [CompletionService] |
/// | `GET /v1/models`, `/v1/models/{id}` | [ModelsService] |
/// | `POST /v1/load_lora_adapter`, `/v1/unload_lora_adapter`, also without `/v1` | [LoraAdapterService] |
/// | `GET /metrics` | [MetricsService] |
/// | `GET /health`, `/ping` | 200 while requests are taken, 503 otherwise; with the reason if the ledger is it |
/// | `GET /version` | `{"version"}` |
public final class HttpSurface implements AutoCloseable {
    private final ServerConfig config;
    private final Serving serving;
    private final AdapterDesk adapters;
    private final ServerMetrics metrics;
    private final String version;
    private final BooleanSupplier ready;
    private final Admitting admitting;

    /// @param version of the program
    /// @param ready whether requests are taken
    public HttpSurface(
            ServerConfig config,
            Serving serving,
            AdapterDesk adapters,
            ServerMetrics metrics,
            String version,
            BooleanSupplier ready) {
        this.config = config;
        this.serving = serving;
        this.adapters = adapters;
        this.metrics = metrics;
        this.version = version;
        this.ready = ready;
        this.admitting = new Admitting(config.server().maxConcurrentRequests(), ready);
    }

    public void addTo(ServerBuilder builder) {
        InstantSource clock = InstantSource.system();
        HttpService models = new ModelsService(
                config, serving, adapters, admitting, clock.instant().getEpochSecond());
        builder.errorHandler(new ApiErrorHandler())
                .route()
                .post("/v1/completions")
                .decorator(new RequestIdHeader())
                .build(completions(ReplyKind.TEXT, clock))
                .route()
                .post("/v1/chat/completions")
                .decorator(new RequestIdHeader())
                .build(completions(ReplyKind.CHAT, clock))
                .route()
                .get("/v1/models")
                .get("/v1/models/{" + ModelsService.ID + "}")
                .build(models)
                .route()
                .post("/v1/load_lora_adapter")
                .post("/load_lora_adapter")
                .build(loraAdapters(LoraAdapterService.Action.LOAD, clock))
                .route()
                .post("/v1/unload_lora_adapter")
                .post("/unload_lora_adapter")
                .build(loraAdapters(LoraAdapterService.Action.UNLOAD, clock))
                .route()
                .get("/metrics")
                .build(new MetricsService(config, metrics, admitting))
                .route()
                .get("/version")
                .build((_, _) -> version())
                .service("/health", (_, _) -> health())
                .service("/ping", (_, _) -> health());
    }

    private HttpService completions(ReplyKind kind, InstantSource clock) {
        return new CompletionService(kind, config, serving, admitting, clock);
    }

    private HttpService loraAdapters(LoraAdapterService.Action action, InstantSource clock) {
        return new LoraAdapterService(action, config, adapters, admitting, clock);
    }

    private HttpResponse health() {
        if (!ready.getAsBoolean()) {
            return HttpResponse.of(ResponseHeaders.of(HttpStatus.SERVICE_UNAVAILABLE));
        }
        return serving.refusal()
                .map(reason -> ApiError.unavailable(reason).response().toHttpResponse())
                .orElseGet(() -> HttpResponse.of(ResponseHeaders.of(HttpStatus.OK)));
    }

    private HttpResponse version() {
        JsonBuffer body = new JsonBuffer().raw("{\"version\":").string(version).raw("}");
        return HttpResponse.of(HttpStatus.OK, MediaType.JSON, body.toByteArray());
    }

    /// Waits for requests that are being read, once the listener is closed.
    @Override
    public void close() {
        admitting.close();
    }
}
