package org.openlora.server.http;

import com.linecorp.armeria.common.AggregatedHttpRequest;
import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.ContentTooLargeException;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpResponseWriter;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import org.openlora.adapters.AdapterException;
import org.openlora.server.adapters.AdapterDesk;
import org.openlora.server.adapters.AdapterStatus;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.config.ServerConfig.Tenant;

/// `POST /v1/load_lora_adapter` and `/v1/unload_lora_adapter`, as vLLM's clients and gateways call them: names come and
/// go. Loading registers a name of the tenant's own and makes the adapter resident; unloading takes the name away.
///
/// `lora_path` is an origin or the name of a folder under the adapter root, never a path of this machine.
final class LoraAdapterService implements HttpService {
    private static final Duration LONGEST = Duration.ofMinutes(10);

    /// What a request asks for.
    enum Action {
        LOAD,
        UNLOAD
    }

    private final Action action;
    private final Tenants tenants;
    private final AdapterDesk desk;
    private final Admitting admitting;
    private final InstantSource clock;

    LoraAdapterService(
            Action action, ServerConfig config, AdapterDesk desk, Admitting admitting, InstantSource clock) {
        this.action = action;
        this.tenants = new Tenants(config);
        this.desk = desk;
        this.admitting = admitting;
        this.clock = clock;
    }

    @Override
    public HttpResponse serve(ServiceRequestContext context, HttpRequest http) {
        HttpResponseWriter response = HttpResponse.streaming();
        var _ = http.aggregate().handle((request, failure) -> {
            if (failure == null) {
                admitting.run(
                        () -> response.close(AggregatedHttpResponse.of(
                                HttpStatus.OK, MediaType.PLAIN_TEXT_UTF_8, answer(request))),
                        error -> response.close(error.response()));
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

    private String answer(AggregatedHttpRequest request) {
        Tenant tenant = tenants.of(request.headers());
        RequestFields fields = RequestFields.parse(request.content().array());
        return switch (action) {
            case LOAD -> load(tenant, fields);
            case UNLOAD -> unload(tenant, fields);
        };
    }

    private String load(Tenant tenant, RequestFields fields) {
        String name = fields.string("lora_name").orElse("");
        String origin = fields.string("lora_path").orElse("");
        if (name.isEmpty() || origin.isEmpty()) {
            throw ApiException.userInput("Both 'lora_name' and 'lora_path' must be provided.", null);
        }
        if (!fields.flag("load_inplace") && exists(tenant, name)) {
            throw ApiException.userInput(
                    "The lora adapter '%s' has already been loaded. With load_inplace it is replaced.".formatted(name),
                    "lora_name");
        }
        Instant deadline = clock.instant().plus(LONGEST);
        desk.register(tenant, name, origin, null, deadline, _ -> {});
        if (fields.flag("pinned")) {
            desk.pin(tenant, name, AdapterStatus.Tier.HOST, deadline);
        } else {
            desk.load(tenant, name, deadline);
        }
        return "Success: LoRA adapter '%s' added successfully.".formatted(name);
    }

    private boolean exists(Tenant tenant, String name) {
        try {
            desk.get(tenant, name);
            return true;
        } catch (AdapterException e) {
            if (e.code() == AdapterException.Code.NOT_FOUND) {
                return false;
            }
            throw e;
        }
    }

    private String unload(Tenant tenant, RequestFields fields) {
        String name = fields.string("lora_name").orElse("");
        if (name.isEmpty()) {
            throw ApiException.userInput("'lora_name' must be provided.", "lora_name");
        }
        if (!exists(tenant, name)) {
            throw ApiException.notFound("The lora adapter '%s' cannot be found.".formatted(name), "lora_name");
        }
        desk.delete(tenant, name);
        return "Success: LoRA adapter '%s' removed successfully.".formatted(name);
    }
}
