package org.openlora.engine.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.openlora.engine.weights.GgufFile;
import org.openlora.engine.weights.JsonFiles;
import org.openlora.engine.weights.ModelFiles;
import org.openlora.engine.weights.ModelLoadException;

/// Opens tokenizers.
public final class Tokenizers {
    private static final long MAX_TOKENIZER_BYTES = 256L << 20;

    private Tokenizers() {}

    /// The tokenizer of a Hugging Face directory (`tokenizer.json`, with what `tokenizer_config.json` says of
    /// BOS), or of a GGUF file.
    ///
    /// @throws ModelLoadException naming what is missing or not supported
    public static Tokenizer open(Path path) {
        return switch (ModelFiles.locate(path)) {
            case ModelFiles.HuggingFace source -> openDirectory(source.directory());
            case ModelFiles.Gguf source -> openGguf(source.file());
        };
    }

    private static Tokenizer openGguf(Path file) {
        try (GgufFile gguf = GgufFile.open(file)) {
            ObjectNode json = GgufTokenizer.toJson(gguf.metadata());
            return JsonTokenizer.of(gguf.metadata().file(), json, startToken(json));
        }
    }

    private static Tokenizer openDirectory(Path directory) {
        Path path = directory.resolve("tokenizer.json");
        if (!Files.exists(path)) {
            throw new ModelLoadException(
                    "%s holds no tokenizer.json; other tokenizer formats are not read".formatted(directory));
        }
        ObjectNode json = JsonFiles.readObject(path, MAX_TOKENIZER_BYTES);
        OptionalInt bos = startToken(json);
        Path configPath = directory.resolve("tokenizer_config.json");
        if (Files.exists(configPath)) {
            bos = configuredBos(configPath, json, bos);
        }
        return JsonTokenizer.of(path.toString(), json, bos);
    }

    private static OptionalInt configuredBos(Path path, ObjectNode tokenizer, OptionalInt templateBos) {
        ObjectNode config = JsonFiles.readObject(path, JsonFiles.MAX_CONFIG_BYTES);
        if (config.path("add_eos_token").asBoolean()) {
            throw new ModelLoadException("%s: add_eos_token true is not supported".formatted(path));
        }
        JsonNode addBos = config.path("add_bos_token");
        if (!addBos.isBoolean()) {
            return templateBos;
        }
        if (!addBos.booleanValue()) {
            return OptionalInt.empty();
        }
        String name = tokenText(config.path("bos_token"));
        OptionalInt id = TokenTable.of(path.toString(), tokenizer).id(name);
        if (id.isEmpty()) {
            throw new ModelLoadException(
                    "%s: add_bos_token is true, and bos_token '%s' is no token".formatted(path, name));
        }
        return id;
    }

    /// `tokenizer_config.json` writes a token as text or as an object with its content.
    private static String tokenText(JsonNode token) {
        return token.isObject() ? token.path("content").asText() : token.asText();
    }

    /// The special token before the text in the post-processor's template for one text, if it starts with one.
    private static OptionalInt startToken(ObjectNode json) {
        JsonNode processor = json.path("post_processor");
        for (JsonNode step : processor.path("type").asText().equals("Sequence")
                ? processor.path("processors")
                : json.arrayNode().add(processor)) {
            if (step.path("type").asText().equals("TemplateProcessing")) {
                String name = step.path("single")
                        .path(0)
                        .path("SpecialToken")
                        .path("id")
                        .asText();
                JsonNode id = step.path("special_tokens").path(name).path("ids").path(0);
                return id.isInt() ? OptionalInt.of(id.intValue()) : OptionalInt.empty();
            }
        }
        return OptionalInt.empty();
    }
}
