package org.openlora.engine.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import org.openlora.engine.weights.ModelLoadException;

/// The two ways of decoding that base models use, recognised in the `decoder` of a `tokenizer.json`.
enum DecoderKind {
    BYTE_LEVEL,
    BYTE_FALLBACK,
    BYTE_FALLBACK_STRIPPED;

    static DecoderKind of(String file, ObjectNode json) {
        JsonNode decoder = json.path("decoder");
        List<JsonNode> steps = new ArrayList<>();
        if (decoder.path("type").asText().equals("Sequence")) {
            decoder.path("decoders").forEach(steps::add);
        } else {
            steps.add(decoder);
        }
        List<String> types =
                steps.stream().map(step -> step.path("type").asText("none")).toList();
        if (types.equals(List.of("ByteLevel"))) {
            return BYTE_LEVEL;
        }
        boolean spaces = !steps.isEmpty()
                && steps.getFirst().path("pattern").path("String").asText().equals("\u2581")
                && steps.getFirst().path("content").asText().equals(" ");
        if (spaces && types.equals(List.of("Replace", "ByteFallback", "Fuse"))) {
            return BYTE_FALLBACK;
        }
        if (spaces && types.equals(List.of("Replace", "ByteFallback", "Fuse", "Strip")) && oneSpace(steps.getLast())) {
            return BYTE_FALLBACK_STRIPPED;
        }
        throw new ModelLoadException(
                "%s: decoder %s is not supported; supported are ByteLevel and Replace, ByteFallback, Fuse, Strip"
                        .formatted(file, types));
    }

    private static boolean oneSpace(JsonNode strip) {
        return strip.path("content").asText().equals(" ")
                && strip.path("start").asInt() == 1
                && strip.path("stop").asInt() == 0;
    }

    StreamingDetokenizer detokenizer(TokenTable table) {
        return switch (this) {
            case BYTE_LEVEL -> new ByteLevelDetokenizer(table);
            case BYTE_FALLBACK -> new ByteFallbackDetokenizer(table, false);
            case BYTE_FALLBACK_STRIPPED -> new ByteFallbackDetokenizer(table, true);
        };
    }
}
