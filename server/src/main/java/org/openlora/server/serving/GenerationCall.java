package org.openlora.server.serving;

import java.time.Instant;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.openlora.engine.GenerationRequest;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.server.config.ServerConfig.Tenant;

/// A call of a tenant, checked as far as it can be without the model.
///
/// @param clientRequestId the client's own id, for idempotence; null: one is made up
/// @param tenant who pays
/// @param deadline when the answer is of no more use
/// @param choices how many answers to draw
/// @param priority lower runs earlier among the tenant's own calls
/// @param cacheSalt cached prefixes are found only by calls of the same salt; null: by all of the tenant's without one
/// @param provisional whether first guesses at whose text it is come while the answer grows
public record GenerationCall(
        @Nullable String clientRequestId,
        Tenant tenant,
        PromptInput prompt,
        List<AdapterChoice> adapters,
        SamplingParams params,
        Instant deadline,
        int choices,
        int priority,
        @Nullable String cacheSalt,
        boolean provisional) {
    private static final Pattern REQUEST_ID = Pattern.compile("[!-~]{1,128}");

    public GenerationCall {
        adapters = List.copyOf(adapters);
        if (clientRequestId != null && !REQUEST_ID.matcher(clientRequestId).matches()) {
            throw new IllegalArgumentException("request_id must be 1 to 128 visible ASCII characters");
        }
        if (choices < 1 || choices > GenerationRequest.MOST_CHOICES) {
            throw new IllegalArgumentException(
                    "n is %d: allowed is 1 to %d".formatted(choices, GenerationRequest.MOST_CHOICES));
        }
        if (cacheSalt != null && cacheSalt.isEmpty()) {
            throw new IllegalArgumentException("cache_salt is empty: leave it out or give at least one character");
        }
    }

    /// One answer, at the common priority and under the tenant's own cache salt, without guesses.
    public GenerationCall(
            @Nullable String clientRequestId,
            Tenant tenant,
            PromptInput prompt,
            List<AdapterChoice> adapters,
            SamplingParams params,
            Instant deadline) {
        this(clientRequestId, tenant, prompt, adapters, params, deadline, 1, 0, null, false);
    }
}
