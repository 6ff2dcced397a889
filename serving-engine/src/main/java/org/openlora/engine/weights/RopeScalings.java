package org.openlora.engine.weights;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import org.openlora.kernels.RopeScaling;

/// The JSON form of rotary scaling in the base digest: Transformers' names, whatever the source called them.
final class RopeScalings {
    private RopeScalings() {}

    static JsonNode identity(RopeScaling scaling) {
        JsonNodeFactory nodes = JsonNodeFactory.instance;
        return switch (scaling) {
            case RopeScaling.None _ -> nodes.nullNode();
            case RopeScaling.Linear linear ->
                nodes.objectNode().put("rope_type", "linear").put("factor", linear.factor());
            case RopeScaling.Llama3 llama3 ->
                nodes.objectNode()
                        .put("rope_type", "llama3")
                        .put("factor", llama3.factor())
                        .put("low_freq_factor", llama3.lowFrequencyFactor())
                        .put("high_freq_factor", llama3.highFrequencyFactor())
                        .put("original_max_position_embeddings", llama3.originalMaxPositions());
        };
    }
}
