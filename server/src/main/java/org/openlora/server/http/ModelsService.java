package org.openlora.server.http;

import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpResponseWriter;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.config.ServerConfig.Tenant;
import org.openlora.server.serving.ServedAdapter;
import org.openlora.server.serving.ServedModel;
import org.openlora.server.serving.Serving;

/// `GET /v1/models` and `/v1/models/{id}`: the base, then the adapters that can be named, as vLLM's model cards.
///
/// An adapter's `parent` is the base's id and its `root` its digest: what was served can be told from what was asked.
final class ModelsService implements HttpService {
    /// Name of the path's parameter.
    static final String ID = "id";

    private final Tenants tenants;
    private final Serving serving;
    private final Admitting admitting;
    private final long createdSeconds;

    /// @param createdSeconds since the epoch, for all cards: when serving began
    ModelsService(ServerConfig config, Serving serving, Admitting admitting, long createdSeconds) {
        this.tenants = new Tenants(config);
        this.serving = serving;
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

    private List<Card> cards(Tenant tenant) {
        ServedModel base = serving.model();
        List<Card> cards = new ArrayList<>();
        cards.add(new Card(base.name(), base.baseDigest().toString(), null));
        for (ServedAdapter adapter : serving.adapters(tenant)) {
            if (adapter instanceof ServedAdapter.Ready ready) {
                cards.add(new Card(ready.name(), ready.digest().toString(), base.name()));
            }
        }
        return cards;
    }

    private JsonBuffer list(Tenant tenant) {
        JsonBuffer out = new JsonBuffer().raw("{\"object\":\"list\",\"data\":[");
        String separator = "";
        for (Card card : cards(tenant)) {
            write(out.raw(separator), card);
            separator = ",";
        }
        return out.raw("]}");
    }

    private JsonBuffer one(Tenant tenant, String id) {
        Card card = cards(tenant).stream()
                .filter(candidate -> candidate.id().equals(id))
                .findFirst()
                .orElseThrow(() -> ApiException.notFound("there is no model %s".formatted(id), "model"));
        return write(new JsonBuffer(), card);
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
