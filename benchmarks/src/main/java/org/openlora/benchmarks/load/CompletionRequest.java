package org.openlora.benchmarks.load;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

/// One streamed, greedy request for `maxTokens` tokens that does not stop at an end-of-sequence token.
///
/// @param model the adapter's name, or the base's
/// @param adapter index of the adapter, or [Workload#NO_ADAPTER]
/// @param tokenwise whether the answer is wanted token by token, each with its log-probability: [Completion#tokens]
/// @param attributions whether attributions are wanted while the answer grows
/// @param cacheSalt only requests of the same salt share cached prompts; null for the server's own rule
public record CompletionRequest(
        String model,
        int adapter,
        Prompt prompt,
        int maxTokens,
        boolean tokenwise,
        boolean attributions,
        @Nullable String cacheSalt) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /// Text alone, cached prompts shared as the server does.
    public CompletionRequest(String model, int adapter, Prompt prompt, int maxTokens) {
        this(model, adapter, prompt, maxTokens, false, false, null);
    }

    /// The same request, to be answered token by token.
    public CompletionRequest byToken() {
        return new CompletionRequest(model, adapter, prompt, maxTokens, true, attributions, cacheSalt);
    }

    /// The same request, with attributions while it is answered.
    public CompletionRequest withAttributions() {
        return new CompletionRequest(model, adapter, prompt, maxTokens, tokenwise, true, cacheSalt);
    }

    /// The same request under another cache salt.
    public CompletionRequest salted(String salt) {
        return new CompletionRequest(model, adapter, prompt, maxTokens, tokenwise, attributions, salt);
    }

    /// The body of a `POST /v1/completions`.
    byte[] body() {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.put("model", model);
        switch (prompt) {
            case Prompt.Text(String text) -> body.put("prompt", text);
            case Prompt.Tokens tokens -> tokens.ids().forEach(body.withArray("prompt")::add);
        }
        body.put("max_tokens", maxTokens);
        body.put("temperature", 0);
        body.put("ignore_eos", true);
        if (tokenwise) {
            body.put("logprobs", 0);
        }
        if (attributions) {
            body.put("openlora", true);
        }
        if (cacheSalt != null) {
            body.put("cache_salt", cacheSalt);
        }
        body.put("stream", true);
        body.putObject("stream_options").put("include_usage", true);
        try {
            return JSON.writeValueAsBytes(body);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a JSON tree cannot be written", e);
        }
    }
}
