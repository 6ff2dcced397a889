package org.openlora.engine.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.openlora.engine.weights.GgufFile;
import org.openlora.engine.weights.GgufMetadata;
import org.openlora.engine.weights.JsonFiles;
import org.openlora.engine.weights.ModelFiles;
import org.openlora.engine.weights.ModelLoadException;

/// Finds a model's chat template.
public final class ChatTemplates {
    private static final List<String> SPECIAL_TOKENS = List.of("bos_token", "eos_token", "unk_token", "pad_token");

    private ChatTemplates() {}

    /// The template in `chat_template.jinja`, in `tokenizer_config.json` (a string, or of a list of named ones
    /// `default`), or in a GGUF file; empty where the model has none.
    ///
    /// @throws ModelLoadException if a file cannot be read
    public static Optional<ChatTemplate> open(Path path, Clock clock) {
        return switch (ModelFiles.locate(path)) {
            case ModelFiles.HuggingFace source -> openDirectory(source.directory(), clock);
            case ModelFiles.Gguf source -> openGguf(source.file(), clock);
        };
    }

    private static Optional<ChatTemplate> openGguf(Path file, Clock clock) {
        try (GgufFile gguf = GgufFile.open(file)) {
            GgufMetadata metadata = gguf.metadata();
            Map<String, String> tokens = new HashMap<>();
            List<String> all = metadata.strings("tokenizer.ggml.tokens").orElse(List.of());
            Map.of("bos_token", "bos", "eos_token", "eos", "unk_token", "unknown", "pad_token", "padding")
                    .forEach((variable, name) -> {
                        OptionalInt id = metadata.integer("tokenizer.ggml." + name + "_token_id", 0, Integer.MAX_VALUE);
                        if (id.isPresent() && id.getAsInt() < all.size()) {
                            tokens.put(variable, all.get(id.getAsInt()));
                        }
                    });
            return metadata.string("tokenizer.chat_template").map(source -> new ChatTemplate(source, tokens, clock));
        }
    }

    private static Optional<ChatTemplate> openDirectory(Path directory, Clock clock) {
        Path path = directory.resolve("tokenizer_config.json");
        Map<String, String> tokens = new HashMap<>();
        @Nullable String source = null;
        if (Files.exists(path)) {
            ObjectNode config = JsonFiles.readObject(path, JsonFiles.MAX_CONFIG_BYTES);
            for (String name : SPECIAL_TOKENS) {
                JsonNode token = config.path(name);
                String text = token.isObject() ? token.path("content").asText() : token.asText("");
                if (!text.isEmpty() && !token.isNull()) {
                    tokens.put(name, text);
                }
            }
            source = templateOf(path, config.path("chat_template"));
        }
        Path file = directory.resolve("chat_template.jinja");
        if (Files.exists(file)) {
            source = read(file);
        }
        return Optional.ofNullable(source).map(template -> new ChatTemplate(template, tokens, clock));
    }

    private static @Nullable String templateOf(Path path, JsonNode template) {
        if (template.isMissingNode() || template.isNull()) {
            return null;
        }
        if (template.isTextual()) {
            return template.textValue();
        }
        for (JsonNode named : template) {
            if (named.path("name").asText().equals("default")
                    && named.path("template").isTextual()) {
                return named.path("template").textValue();
            }
        }
        throw new ModelLoadException(
                "%s: chat_template is neither a string nor a list with one named default".formatted(path));
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new ModelLoadException("%s cannot be read: %s".formatted(file, e), e);
        }
    }
}
