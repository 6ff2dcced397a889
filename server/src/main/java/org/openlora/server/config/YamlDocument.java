package org.openlora.server.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonStreamContext;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.openlora.server.problem.Problem;

/// A YAML text that knows on which line each of its values stands, so that an error can name it.
public final class YamlDocument {
    private static final YAMLMapper MAPPER = YAMLMapper.builder(YAMLFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .build();

    private final JsonNode tree;
    private final Map<String, Place> places;

    private YamlDocument(JsonNode tree, Map<String, Place> places) {
        this.tree = tree;
        this.places = places;
    }

    private record Place(String origin, int line) {
        @Override
        public String toString() {
            return "%s line %d".formatted(origin, line);
        }
    }

    /// Reads a text; `origin` names it in errors. An empty text is an empty object.
    public static YamlDocument parse(String text, String origin) {
        try {
            JsonNode tree = MAPPER.readTree(text);
            if (tree instanceof MissingNode || tree.isNull()) {
                tree = MAPPER.createObjectNode();
            }
            return new YamlDocument(tree, places(text, origin));
        } catch (JsonProcessingException e) {
            int line = e.getLocation() == null ? 1 : e.getLocation().getLineNr();
            throw new Problem(
                    "%s line %d is not valid YAML: %s".formatted(origin, line, firstLine(e)), "correct it", e);
        } catch (IOException e) {
            throw new Problem("%s cannot be read: %s".formatted(origin, Problem.describe(e)), "correct it", e);
        }
    }

    /// This document with the values of `other` in place of its own: objects are merged, all else is replaced.
    public YamlDocument overlaidBy(YamlDocument other) {
        Map<String, Place> merged = new HashMap<>(places);
        merged.putAll(other.places);
        return new YamlDocument(merge(tree, other.tree), merged);
    }

    /// The values, for readers of loose documents.
    public JsonNode tree() {
        return tree;
    }

    /// Binds the document to a type: an unknown key, a missing one or a bad value is a [Problem] that names its line.
    public <T> T bind(Class<T> type) {
        try {
            return MAPPER.treeToValue(tree, type);
        } catch (JsonProcessingException e) {
            throw problem(e);
        }
    }

    private Problem problem(JsonProcessingException e) {
        List<JsonMappingException.Reference> path = e instanceof JsonMappingException m ? m.getPath() : List.of();
        String name = path.stream()
                .map(step -> step.getFieldName() == null ? "[" + step.getIndex() + "]" : "." + step.getFieldName())
                .collect(Collectors.joining());
        name = name.startsWith(".") ? name.substring(1) : name;
        Place place = place(path);
        String where = place == null ? "" : place + ": ";
        return switch (e) {
            case UnrecognizedPropertyException unknown ->
                new Problem(
                        "%sunknown key %s".formatted(where, name),
                        "allowed here: "
                                + unknown.getKnownPropertyIds().stream()
                                        .map(String::valueOf)
                                        .sorted()
                                        .collect(Collectors.joining(", ")),
                        e);
            case MismatchedInputException mismatch when mismatch.getCause() == null ->
                new Problem("%s%s: %s".formatted(where, name.isEmpty() ? "document" : name, firstLine(e)), "correct it", e);
            default -> {
                Throwable cause = e.getCause() == null ? e : e.getCause();
                String subject = name.isEmpty() ? "" : name + ": ";
                yield new Problem(where + subject + Problem.describe(cause), "correct it", e);
            }
        };
    }

    private @Nullable Place place(List<JsonMappingException.Reference> path) {
        Place nearest = null;
        StringBuilder pointer = new StringBuilder();
        for (JsonMappingException.Reference step : path) {
            pointer.append('/').append(step.getFieldName() == null ? step.getIndex() : step.getFieldName());
            Place place = places.get(pointer.toString());
            nearest = place == null ? nearest : place;
        }
        return nearest;
    }

    private static String firstLine(JsonProcessingException e) {
        return e.getOriginalMessage().lines().findFirst().orElse("malformed");
    }

    private static JsonNode merge(JsonNode below, JsonNode above) {
        if (!(below instanceof ObjectNode lower) || !(above instanceof ObjectNode upper)) {
            return above;
        }
        ObjectNode merged = lower.deepCopy();
        upper.properties().forEach(entry -> {
            JsonNode existing = merged.get(entry.getKey());
            merged.set(entry.getKey(), existing == null ? entry.getValue() : merge(existing, entry.getValue()));
        });
        return merged;
    }

    private static Map<String, Place> places(String text, String origin) throws IOException {
        Map<String, Place> places = new HashMap<>();
        try (JsonParser parser = MAPPER.createParser(text)) {
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                if (!token.isStructEnd()) {
                    places.putIfAbsent(
                            pointer(parser.getParsingContext()),
                            new Place(origin, parser.currentTokenLocation().getLineNr()));
                }
            }
        }
        return places;
    }

    private static String pointer(JsonStreamContext context) {
        JsonStreamContext parent = context.getParent();
        if (parent == null) {
            return "";
        }
        String step = context.inArray()
                ? (context.hasCurrentIndex() ? "/" + context.getCurrentIndex() : "")
                : (context.hasCurrentName() ? "/" + context.getCurrentName() : "");
        return pointer(parent) + step;
    }
}
