package org.openlora.server.http;

import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpResponseWriter;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.metrics.ServerMetrics;

/// `GET /metrics`: Prometheus text, or OpenMetrics where the client accepts that. It names the adapters of all tenants,
/// so it takes an administrator's key unless the settings open it.
final class MetricsService implements HttpService {
    private final boolean open;
    private final Tenants tenants;
    private final ServerMetrics metrics;
    private final Admitting admitting;

    MetricsService(ServerConfig config, ServerMetrics metrics, Admitting admitting) {
        this.open = config.server().openMetrics();
        this.tenants = new Tenants(config);
        this.metrics = metrics;
        this.admitting = admitting;
    }

    @Override
    public HttpResponse serve(ServiceRequestContext context, HttpRequest request) {
        HttpResponseWriter response = HttpResponse.streaming();
        admitting.run(
                () -> {
                    if (!open && !tenants.of(request.headers()).admin()) {
                        throw ApiException.forbidden("metrics are for administrators: they name everybody's adapters");
                    }
                    ServerMetrics.Scrape scrape =
                            metrics.scrape(request.headers().get(HttpHeaderNames.ACCEPT, ""));
                    response.close(AggregatedHttpResponse.of(
                            ResponseHeaders.builder(HttpStatus.OK)
                                    .add(HttpHeaderNames.CONTENT_TYPE, scrape.contentType())
                                    .build(),
                            HttpData.ofUtf8(scrape.text())));
                },
                error -> response.close(error.response()));
        return response;
    }
}
