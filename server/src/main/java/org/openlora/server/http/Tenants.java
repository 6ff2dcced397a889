package org.openlora.server.http;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.RequestHeaders;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.config.ServerConfig.Tenant;

/// Finds the tenant of a request by its API key, the only thing a client can say about who it is.
record Tenants(ServerConfig config) {
    private static final String SCHEME = "Bearer ";

    /// @throws ApiException 401 where no tenant has the key
    Tenant of(RequestHeaders headers) {
        String header = headers.get(HttpHeaderNames.AUTHORIZATION, "");
        String key = header.regionMatches(true, 0, SCHEME, 0, SCHEME.length())
                ? header.substring(SCHEME.length()).strip()
                : header;
        return config.tenant(key).orElseThrow(() -> new ApiException(ApiError.unauthorized()));
    }
}
