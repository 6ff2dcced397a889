package org.openlora.server.serving;

import java.time.Instant;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.server.config.ServerConfig.Tenant;

/// A call of a tenant, checked as far as it can be without the model.
///
/// @param clientRequestId the client's own id, for idempotence; null: one is made up
/// @param tenant who pays
/// @param deadline when the answer is of no more use
public record GenerationCall(
        @Nullable String clientRequestId,
        Tenant tenant,
        PromptInput prompt,
        List<AdapterChoice> adapters,
        SamplingParams params,
        Instant deadline) {
    private static final Pattern REQUEST_ID = Pattern.compile("[!-~]{1,128}");

    public GenerationCall {
        adapters = List.copyOf(adapters);
        if (clientRequestId != null && !REQUEST_ID.matcher(clientRequestId).matches()) {
            throw new IllegalArgumentException("request_id must be 1 to 128 visible ASCII characters");
        }
    }
}
