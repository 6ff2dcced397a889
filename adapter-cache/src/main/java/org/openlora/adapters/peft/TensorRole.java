package org.openlora.adapters.peft;

import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Pattern;
import org.openlora.kernels.LoraPoint;

/// What a stored tensor is to the module that its name begins with.
enum TensorRole {
    /// The first factor of the low-rank pair.
    A("lora_A(?:\\.default)?\\.weight", "lora_embedding_A(?:\\.default)?"),
    /// The second.
    B("lora_B(?:\\.default)?\\.weight", "lora_embedding_B(?:\\.default)?"),
    /// DoRA's magnitude of each output.
    MAGNITUDE("lora_magnitude_vector(?:\\.default)?(?:\\.weight)?"),
    /// The base's own weight.
    BASE_COPY("base_layer\\.weight");

    private final Pattern linear;
    private final Pattern embedding;

    TensorRole(String suffix) {
        this(suffix, suffix);
    }

    TensorRole(String linearSuffix, String embeddingSuffix) {
        this.linear = Pattern.compile(linearSuffix);
        this.embedding = Pattern.compile(embeddingSuffix);
    }

    /// The role that a name with this end, after the module's path, has in a module at `point`.
    static Optional<TensorRole> of(String suffix, LoraPoint point) {
        return Arrays.stream(values())
                .filter(role -> role.suffix(point).matcher(suffix).matches())
                .findFirst();
    }

    private Pattern suffix(LoraPoint point) {
        return point == LoraPoint.EMBEDDING ? embedding : linear;
    }

    /// How PEFT writes the name's end.
    String written(LoraPoint point) {
        boolean isEmbedding = point == LoraPoint.EMBEDDING;
        return switch (this) {
            case A -> isEmbedding ? "lora_embedding_A" : "lora_A.weight";
            case B -> isEmbedding ? "lora_embedding_B" : "lora_B.weight";
            case MAGNITUDE -> "lora_magnitude_vector";
            case BASE_COPY -> "base_layer.weight";
        };
    }
}
