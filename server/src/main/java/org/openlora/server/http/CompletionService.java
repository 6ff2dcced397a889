package org.openlora.server.http;

import com.linecorp.armeria.common.AggregatedHttpRequest;
import com.linecorp.armeria.common.ContentTooLargeException;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpResponseWriter;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.config.ServerConfig.Tenant;
import org.openlora.server.serving.Admission;
import org.openlora.server.serving.GenerationCall;
import org.openlora.server.serving.Serving;

/// `POST /v1/completions` and `/v1/chat/completions`.
///
/// A request is read, tokenized and handed to the engine on a virtual thread, which then ends: the answer is written by
/// the connection's event loop ([StreamedReply], [WholeReply]).
final class CompletionService implements HttpService {
    private static final Duration LONGEST = Duration.ofDays(1);

    private final ReplyKind kind;
    private final ServerConfig config;
    private final Tenants tenants;
    private final ModelNames names;
    private final Serving serving;
    private final Admitting admitting;
    private final InstantSource clock;

    CompletionService(ReplyKind kind, ServerConfig config, Serving serving, Admitting admitting, InstantSource clock) {
        this.kind = kind;
        this.config = config;
        this.tenants = new Tenants(config);
        this.names = new ModelNames(serving.model().name());
        this.serving = serving;
        this.admitting = admitting;
        this.clock = clock;
    }

    @Override
    public HttpResponse serve(ServiceRequestContext context, HttpRequest http) {
        HttpResponseWriter response = HttpResponse.streaming();
        var _ = http.aggregate().handle((request, failure) -> {
            if (failure == null) {
                admitting.run(() -> start(context, request, response), error -> response.close(error.response()));
            } else if (failure instanceof ContentTooLargeException) {
                response.close(ApiError.of(failure).response());
            } else {
                // The client went away in the middle of its request.
                response.abort(failure);
            }
            return null;
        });
        return response;
    }

    private void start(ServiceRequestContext context, AggregatedHttpRequest http, HttpResponseWriter response) {
        Tenant tenant = tenants.of(http.headers());
        CompletionRequest request = CompletionRequest.parse(
                kind, http.content().array(), config.generation().defaultMaxTokens());
        Instant now = clock.instant();
        Conversation conversation = new Conversation(serving, kind, now.getEpochSecond(), names.shown(request.model()));
        Reply reply = request.stream()
                ? new StreamedReply(
                        context,
                        response,
                        request,
                        conversation,
                        config.server().maxBufferedEvents())
                : new WholeReply(context, response, request, conversation);
        List<Admission> admissions = submit(request, tenant, now.plus(LONGEST), reply);
        RequestIdHeader.offer(context, admissions.getFirst().requestId());
        reply.begin(admissions);
    }

    private List<Admission> submit(CompletionRequest request, Tenant tenant, Instant deadline, Reply reply) {
        List<Admission> admissions = new ArrayList<>();
        try {
            for (int prompt = 0; prompt < request.prompts().size(); prompt++) {
                admissions.add(serving.submit(call(request, prompt, tenant, deadline), reply.sink(prompt)));
            }
        } catch (RuntimeException e) {
            admissions.forEach(serving::abort);
            throw e;
        }
        return List.copyOf(admissions);
    }

    private GenerationCall call(CompletionRequest request, int prompt, Tenant tenant, Instant deadline) {
        String id = request.requestId();
        return new GenerationCall(
                id == null || request.prompts().size() == 1 ? id : "%s-%d".formatted(id, prompt),
                tenant,
                request.prompts().get(prompt),
                names.adapters(request.model()),
                request.params(),
                deadline,
                request.choices(),
                request.priority(),
                request.cacheSalt(),
                request.stream() && request.evidence());
    }
}
