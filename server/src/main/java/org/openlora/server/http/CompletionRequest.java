package org.openlora.server.http;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.server.serving.PromptInput;

/// What a client asks of `/v1/completions` or `/v1/chat/completions`.
///
/// @param model as the client named it; empty for the base
/// @param prompts each is answered `choices` times; answer `i` of prompt `p` is choice `p * choices + i`
/// @param choices answers to each prompt
/// @param echo the text begins with the prompt's
/// @param stream events as tokens come, or one object at the end
/// @param includeUsage one more event with the usage, before the last
/// @param continuousUsage every event has the usage so far
/// @param evidence each choice ends with the digests that served it and the signed acknowledgement of its usage; in a
///     stream, provisional attributions come before
/// @param requestId the client's own id, which is served once; null: one is made up
/// @param priority lower is earlier
/// @param cacheSalt narrows who finds whose cached prefixes; null for the tenant's own
record CompletionRequest(
        ReplyKind kind,
        String model,
        List<PromptInput> prompts,
        int choices,
        SamplingParams params,
        boolean echo,
        boolean stream,
        boolean includeUsage,
        boolean continuousUsage,
        boolean evidence,
        @Nullable String requestId,
        int priority,
        @Nullable String cacheSalt) {
    CompletionRequest {
        prompts = List.copyOf(prompts);
    }

    /// Reads a request's body.
    ///
    /// @param defaultMaxTokens where the request does not say
    /// @throws ApiException or [IllegalArgumentException] that names the field
    static CompletionRequest parse(ReplyKind kind, byte[] body, int defaultMaxTokens) {
        RequestFields fields = RequestFields.parse(body);
        refuseUnserved(fields);
        int choices = fields.integer("n").orElse(1);
        fields.integer("best_of").ifPresent(best -> {
            if (best != choices) {
                throw ApiException.badField(
                        "best_of", "best_of is %d: allowed is n, which is %d".formatted(best, choices));
            }
        });
        boolean echo = fields.flag("echo");
        SamplingParams params = SamplingFields.read(fields, kind, defaultMaxTokens);
        if (echo && params.logprobs().isPresent()) {
            throw ApiException.badField(
                    "echo", "echo with logprobs is not served: the prompt's log-probabilities are not computed");
        }
        Optional<RequestFields> streamOptions = fields.object("stream_options");
        return new CompletionRequest(
                kind,
                fields.string("model").orElse(""),
                Prompts.read(fields, kind),
                choices,
                params,
                echo,
                fields.flag("stream"),
                streamOptions.map(options -> options.flag("include_usage")).orElse(false),
                streamOptions
                        .map(options -> options.flag("continuous_usage_stats"))
                        .orElse(false),
                fields.flag("openlora"),
                fields.string("request_id").orElse(null),
                fields.integer("priority").orElse(0),
                fields.string("cache_salt").orElse(null));
    }

    /// What a client would miss without a word if it were passed over like any unknown field.
    private static void refuseUnserved(RequestFields fields) {
        fields.refuse("suffix", "text is generated at the end of a prompt only", "");
        fields.refuse("prompt_logprobs", "the prompt's log-probabilities are not computed");
        fields.refuse("tools", "leave it out", "");
        fields.refuse("functions", "leave it out", "");
        fields.refuse("use_beam_search", "answers are sampled", false);
        String structured = "text is generated without a grammar";
        fields.refuse("structured_outputs", structured);
        fields.refuse("guided_json", structured);
        fields.refuse("guided_regex", structured);
        fields.refuse("guided_choice", structured);
        fields.refuse("guided_grammar", structured);
        fields.object("response_format").ifPresent(format -> {
            if (!format.string("type").orElse("text").equals("text")) {
                throw ApiException.badField(
                        "response_format",
                        "response_format is not served: " + structured + ", leave it out or give text");
            }
        });
    }
}
