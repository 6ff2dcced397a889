package org.openlora.engine.model;

import org.openlora.engine.weights.ModelConfig;

/// Shapes of the decoder's linear modules, by the last part of their Hugging Face names.
record ModuleShapes(ModelConfig config) {
    int outputs(String module) {
        return switch (lastPart(module)) {
            case "q_proj" -> config.querySize();
            case "k_proj", "v_proj" -> config.keyValueSize();
            case "o_proj", "down_proj" -> config.hiddenSize();
            case "gate_proj", "up_proj" -> config.intermediateSize();
            default -> throw unknown(module);
        };
    }

    int inputs(String module) {
        return switch (lastPart(module)) {
            case "q_proj", "k_proj", "v_proj", "gate_proj", "up_proj" -> config.hiddenSize();
            case "o_proj" -> config.querySize();
            case "down_proj" -> config.intermediateSize();
            default -> throw unknown(module);
        };
    }

    private static String lastPart(String module) {
        return module.substring(module.lastIndexOf('.') + 1);
    }

    private static IllegalArgumentException unknown(String module) {
        return new IllegalArgumentException("module " + module + " is not a linear module of the decoder");
    }
}
