package org.openlora.server.http;

import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpResponseWriter;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.server.adapters.AdapterDesk;
import org.openlora.server.adapters.AdapterPage;
import org.openlora.server.adapters.AdapterStatus;
import org.openlora.server.adapters.PageRequest;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.config.ServerConfig.Tenant;
import org.openlora.server.serving.ServedModel;
import org.openlora.server.serving.Serving;

/// `GET /v1/models` and `/v1/models/{id}`: the base, then the adapters that the tenant can name, as vLLM's model
/// cards.
///
/// An adapter's `parent` is the base's id and its `root` its digest: what was served can be told from what was asked.
final class ModelsService implements HttpService {
    /// Name of the path's parameter.
    static final String ID = "id";

    private final Tenants tenants;
    private final Serving serving;
    private final AdapterDesk desk;
    private final Admitting admitting;
    private final long createdSeconds;

    /// @param createdSeconds since the epoch, for all cards: when serving began
    ModelsService(
            ServerConfig config, Serving serving, AdapterDesk desk, Admitting admitting, long createdSeconds) {
        this.tenants = new Tenants(config);
        this.serving = serving;
        this.desk = desk;
        this.admitting = admitting;
        this.createdSeconds = createdSeconds;
    }

    private record Card(String id, String root, @Nullable String parent) {}

    @Override
    public HttpResponse serve(ServiceRequestContext context, HttpRequest request) {
        HttpResponseWriter response = HttpResponse.streaming();
        String id = context.pathParam(ID);
        admitting.run(
                () -> {
                    Tenant tenant = tenants.of(request.headers());
                    JsonBuffer body = id == null ? list(tenant) : one(tenant, id);
                    response.close(AggregatedHttpResponse.of(HttpStatus.OK, MediaType.JSON, body.toByteArray()));
                },
                error -> response.close(error.response()));
        return response;
    }

    private Card base() {
        ServedModel base = serving.model();
        return new Card(base.name(), base.baseDigest().toString(), null);
    }

    private Stream<Card> card(AdapterStatus adapter) {
        AdapterStatus.Content content = adapter.content();
        return content == null || adapter.problem() != null
                ? Stream.empty()
                : Stream.of(new Card(
                        adapter.name(),
                        content.digest().toString(),
                        serving.model().name()));
    }

    private JsonBuffer list(Tenant tenant) {
        JsonBuffer out = write(new JsonBuffer().raw("{\"object\":\"list\",\"data\":["), base());
        PageRequest request = PageRequest.first(PageRequest.MOST);
        AdapterPage page;
        do {
            page = desk.list(tenant, request);
            page.adapters().stream().flatMap(this::card).forEach(card -> write(out.raw(","), card));
            request = request.behind(page);
        } while (!page.next().isEmpty());
        return out.raw("]}");
    }

    private JsonBuffer one(Tenant tenant, String id) {
        Card base = base();
        if (id.equals(base.id())) {
            return write(new JsonBuffer(), base);
        }
        return card(find(tenant, id))
                .findFirst()
                .map(card -> write(new JsonBuffer(), card))
                .orElseThrow(() -> ApiException.notFound("the model %s cannot be served".formatted(id), "model"));
    }

    private AdapterStatus find(Tenant tenant, String id) {
        try {
            return desk.get(tenant, id);
        } catch (AdapterException e) {
            throw ApiException.notFound("there is no model %s".formatted(id), "model");
        }
    }

    private JsonBuffer write(JsonBuffer out, Card card) {
        out.raw("{\"id\":").string(card.id());
        out.raw(",\"object\":\"model\",\"created\":").integer(createdSeconds);
        out.raw(",\"owned_by\":\"openlora\",\"root\":").string(card.root()).raw(",\"parent\":");
        if (card.parent() == null) {
            out.raw("null");
        } else {
            out.string(card.parent());
        }
        out.raw(",\"max_model_len\":").integer(serving.model().contextLength());
        out.raw(",\"permission\":[{\"id\":").string("modelperm-" + card.id());
        out.raw(",\"object\":\"model_permission\",\"created\":").integer(createdSeconds);
        return out.raw(",\"allow_create_engine\":false,\"allow_sampling\":true,\"allow_logprobs\":true,"
                + "\"allow_search_indices\":false,\"allow_view\":true,\"allow_fine_tuning\":false,"
                + "\"organization\":\"*\",\"group\":null,\"is_blocking\":false}]}");
    }
}
