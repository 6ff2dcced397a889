package org.openlora.engine.weights;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/// The decoder families whose forward pass is implemented; they share one shape and differ in biases, in norms on
/// query and key heads, and in attention windows.
public enum Architecture {
    LLAMA("llama", "LlamaForCausalLM"),
    MISTRAL("mistral", "MistralForCausalLM"),
    QWEN2("qwen2", "Qwen2ForCausalLM"),
    QWEN3("qwen3", "Qwen3ForCausalLM");

    private final String id;
    private final String className;

    Architecture(String id, String className) {
        this.id = id;
        this.className = className;
    }

    /// The name in the base digest, which is Transformers' `model_type`.
    public String id() {
        return id;
    }

    /// The class that Transformers names under `architectures`.
    String className() {
        return className;
    }

    /// Whether query and key heads go through an RMS norm of their own before the rotation.
    public boolean normalisesHeads() {
        return this == QWEN3;
    }

    static Optional<Architecture> named(String id) {
        return Arrays.stream(values()).filter(value -> value.id.equals(id)).findFirst();
    }

    static String allowed() {
        return Arrays.stream(values()).map(Architecture::id).collect(Collectors.joining(", "));
    }
}
