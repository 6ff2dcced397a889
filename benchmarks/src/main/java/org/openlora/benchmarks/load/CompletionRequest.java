package org.openlora.benchmarks.load;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/// One streamed, greedy request for `maxTokens` tokens that does not stop at an end-of-sequence token.
///
/// @param model the adapter's name, or the base's
/// @param adapter index of the adapter, or [Workload#NO_ADAPTER]
public record CompletionRequest(String model, int adapter, Prompt prompt, int maxTokens) {
    private static final ObjectMapper JSON = new ObjectMapper();

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
        body.put("stream", true);
        body.putObject("stream_options").put("include_usage", true);
        try {
            return JSON.writeValueAsBytes(body);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a JSON tree cannot be written", e);
        }
    }
}
