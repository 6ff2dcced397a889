package org.openlora.server.http;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.openlora.engine.sampling.SamplingParams;

/// How to sample, from OpenAI's fields and vLLM's. Absent ones have OpenAI's defaults: temperature 1, all tokens.
final class SamplingFields {
    /// vLLM's clients say this for no limit.
    private static final int ALL = -1;

    private SamplingFields() {}

    /// @throws IllegalArgumentException naming the field that is out of range
    static SamplingParams read(RequestFields fields, ReplyKind kind, int defaultMaxTokens) {
        SamplingParams.Builder params = SamplingParams.builder(fields.integer("max_completion_tokens")
                .or(() -> fields.integer("max_tokens"))
                .orElse(defaultMaxTokens));
        params.temperature(fields.number("temperature").orElse(1f));
        params.seed(fields.longInteger("seed")
                .orElseGet(() -> ThreadLocalRandom.current().nextLong()));
        fields.integer("min_tokens").ifPresent(params::minTokens);
        fields.integer("top_k").ifPresent(k -> params.topK(k == ALL ? 0 : k));
        number(fields, "top_p", params::topP);
        number(fields, "min_p", params::minP);
        number(fields, "repetition_penalty", params::repetitionPenalty);
        number(fields, "presence_penalty", params::presencePenalty);
        number(fields, "frequency_penalty", params::frequencyPenalty);
        params.stop(fields.strings("stop"));
        params.stopTokenIds(fields.integers("stop_token_ids"));
        params.includeStop(fields.flag("include_stop_str_in_output"));
        params.ignoreEos(fields.flag("ignore_eos"));
        fields.object("logit_bias").ifPresent(_ -> biases(fields, params));
        logprobs(fields, kind, params);
        return params.build();
    }

    private static void number(RequestFields fields, String name, Consumer<Float> set) {
        fields.number(name).ifPresent(set);
    }

    private static void biases(RequestFields fields, SamplingParams.Builder params) {
        JsonNode biases = fields.node("logit_bias").orElseThrow();
        for (Map.Entry<String, JsonNode> bias : biases.properties()) {
            RequestFields.require(
                    bias.getKey().matches("[0-9]{1,9}"), "logit_bias", biases, "an object from token ids to numbers");
            params.logitBias(Integer.parseInt(bias.getKey()), RequestFields.number("logit_bias", bias.getValue()));
        }
    }

    /// Completions: a number of most likely tokens. Chat: a flag, with the number beside it.
    private static void logprobs(RequestFields fields, ReplyKind kind, SamplingParams.Builder params) {
        switch (kind) {
            case TEXT -> fields.integer("logprobs").ifPresent(params::logprobs);
            case CHAT -> {
                int top = fields.integer("top_logprobs").orElse(0);
                if (fields.flag("logprobs")) {
                    params.logprobs(top);
                } else if (top > 0) {
                    throw ApiException.badField(
                            "top_logprobs", "top_logprobs is %d: allowed with logprobs only".formatted(top));
                }
            }
        }
    }
}
