package org.openlora.server.retention;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.TreeMap;
import org.openlora.engine.FinishReason;
import org.openlora.engine.Usage;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.meter.document.CanonicalJson;

/// How an answer was drawn, as canonical JSON (docs/audit.md): with the usage row and the tokens all that drawing it
/// again needs. Numbers are exact: a float is a double that means it.
///
/// @param choice which of the request's answers it was, from 0
/// @param finishReason why it ended
public record ReplayDocument(int choice, FinishReason finishReason, SamplingParams params) {
    private static final JsonMapper JSON = new JsonMapper();
    private static final int VERSION = 1;

    /// What the engine has just counted.
    public static ReplayDocument of(Usage usage) {
        return new ReplayDocument(usage.choice(), usage.finishReason(), usage.params());
    }

    public String toJson() {
        ObjectNode sampling = JSON.createObjectNode()
                .put("maxTokens", params.maxTokens())
                .put("minTokens", params.minTokens())
                .put("temperature", (double) params.temperature())
                .put("topK", params.topK())
                .put("topP", (double) params.topP())
                .put("minP", (double) params.minP())
                .put("repetitionPenalty", (double) params.penalties().repetition())
                .put("presencePenalty", (double) params.penalties().presence())
                .put("frequencyPenalty", (double) params.penalties().frequency())
                .put("seed", Long.toString(params.seed()))
                .put("includeStop", params.includeStop())
                .put("ignoreEos", params.ignoreEos());
        params.logprobs().ifPresent(count -> sampling.put("logprobs", count));
        ObjectNode bias = sampling.putObject("logitBias");
        new TreeMap<>(params.logitBias()).forEach((id, value) -> bias.put(Integer.toString(id), (double) value));
        ArrayNode stop = sampling.putArray("stop");
        params.stop().forEach(stop::add);
        ArrayNode stopTokenIds = sampling.putArray("stopTokenIds");
        params.stopTokenIds().forEach(stopTokenIds::add);
        ObjectNode document = JSON.createObjectNode()
                .put("version", VERSION)
                .put("choice", choice)
                .put("finishReason", finishReason.name());
        document.set("sampling", sampling);
        return new String(CanonicalJson.bytes(document), StandardCharsets.UTF_8);
    }

    /// Reads what [#toJson] wrote.
    ///
    /// @throws IllegalArgumentException where the text is none, naming what is wrong
    public static ReplayDocument fromJson(String json) {
        JsonNode document;
        try {
            document = JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("replay document: " + e.getOriginalMessage(), e);
        }
        int version = document.required("version").asInt();
        if (version != VERSION) {
            throw new IllegalArgumentException(
                    "replay document: version is " + version + ", this program reads " + VERSION);
        }
        return new ReplayDocument(
                document.required("choice").asInt(),
                FinishReason.valueOf(document.required("finishReason").asText()),
                params(document.required("sampling")));
    }

    private static SamplingParams params(JsonNode sampling) {
        SamplingParams.Builder params = SamplingParams.builder(
                        sampling.required("maxTokens").asInt())
                .minTokens(sampling.required("minTokens").asInt())
                .temperature(sampling.required("temperature").asDouble())
                .topK(sampling.required("topK").asInt())
                .topP(sampling.required("topP").asDouble())
                .minP(sampling.required("minP").asDouble())
                .repetitionPenalty(sampling.required("repetitionPenalty").asDouble())
                .presencePenalty(sampling.required("presencePenalty").asDouble())
                .frequencyPenalty(sampling.required("frequencyPenalty").asDouble())
                .seed(Long.parseLong(sampling.required("seed").asText()))
                .includeStop(sampling.required("includeStop").asBoolean())
                .ignoreEos(sampling.required("ignoreEos").asBoolean());
        if (sampling.has("logprobs")) {
            params.logprobs(sampling.get("logprobs").asInt());
        }
        sampling.required("logitBias")
                .properties()
                .forEach(entry -> params.logitBias(
                        Integer.parseInt(entry.getKey()), entry.getValue().asDouble()));
        sampling.required("stop").forEach(text -> params.stop(text.asText()));
        params.stopTokenIds(sampling.required("stopTokenIds")
                .valueStream()
                .map(JsonNode::asInt)
                .toList());
        return params.build();
    }
}
