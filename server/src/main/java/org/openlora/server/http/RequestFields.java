package org.openlora.server.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The fields of a request's JSON object, by type. A null field is an absent one; unknown fields are nobody's concern.
///
/// Every method throws [ApiException] that names the field, what it is and what is allowed.
final class RequestFields {
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .build();
    private static final int LONGEST_QUOTE = 40;

    private final ObjectNode object;

    private RequestFields(ObjectNode object) {
        this.object = object;
    }

    static RequestFields parse(byte[] body) {
        try {
            if (MAPPER.readTree(body) instanceof ObjectNode object) {
                return new RequestFields(object);
            }
            throw ApiException.badRequest("the request's body must be a JSON object");
        } catch (JsonProcessingException e) {
            throw ApiException.badRequest("the request's body is not valid JSON, line %d column %d: %s"
                    .formatted(
                            e.getLocation() == null ? 1 : e.getLocation().getLineNr(),
                            e.getLocation() == null ? 1 : e.getLocation().getColumnNr(),
                            e.getOriginalMessage().lines().findFirst().orElse("malformed")));
        } catch (IOException e) {
            throw new UncheckedIOException("the body is in memory", e);
        }
    }

    Optional<JsonNode> node(String name) {
        return Optional.ofNullable(object.get(name)).filter(node -> !node.isNull());
    }

    Optional<String> string(String name) {
        return node(name).map(node -> {
            require(node.isTextual(), name, node, "a string");
            return node.textValue();
        });
    }

    boolean flag(String name) {
        return node(name)
                .map(node -> {
                    require(node.isBoolean(), name, node, "true or false");
                    return node.booleanValue();
                })
                .orElse(false);
    }

    Optional<Integer> integer(String name) {
        return node(name).map(node -> integer(name, node));
    }

    Optional<Long> longInteger(String name) {
        return node(name).map(node -> {
            require(node.isIntegralNumber() && node.canConvertToLong(), name, node, "an integer of 64 bits");
            return node.longValue();
        });
    }

    Optional<Float> number(String name) {
        return node(name).map(node -> number(name, node));
    }

    /// A string, or an array of them.
    List<String> strings(String name) {
        return node(name)
                .map(node -> {
                    List<String> strings = new ArrayList<>();
                    for (JsonNode one : node.isArray() ? node : List.of(node)) {
                        require(one.isTextual(), name, node, "a string or an array of strings");
                        strings.add(one.textValue());
                    }
                    return strings;
                })
                .orElse(List.of());
    }

    List<Integer> integers(String name) {
        return node(name)
                .map(node -> {
                    require(node.isArray(), name, node, "an array of integers");
                    return integers(name, node);
                })
                .orElse(List.of());
    }

    Optional<RequestFields> object(String name) {
        return node(name).map(node -> {
            require(node.isObject(), name, node, "an object");
            return new RequestFields((ObjectNode) node);
        });
    }

    /// Refuses a field that is known and cannot be honoured, unless it holds what is done anyway.
    void refuse(String name, String reason, Object... harmless) {
        node(name).ifPresent(node -> {
            for (Object one : harmless) {
                if (node.asText().equals(String.valueOf(one)) && !node.isContainerNode()) {
                    return;
                }
            }
            if (!(node.isContainerNode() && node.isEmpty())) {
                throw ApiException.badField(name, "%s is not served: %s".formatted(name, reason));
            }
        });
    }

    static List<Integer> integers(String name, JsonNode array) {
        List<Integer> integers = new ArrayList<>(array.size());
        for (JsonNode one : array) {
            integers.add(integer(name, one));
        }
        return integers;
    }

    static int integer(String name, JsonNode node) {
        require(node.isIntegralNumber() && node.canConvertToInt(), name, node, "an integer of 32 bits");
        return node.intValue();
    }

    static float number(String name, JsonNode node) {
        require(node.isNumber(), name, node, "a number");
        return node.floatValue();
    }

    static void require(boolean holds, String name, JsonNode node, String allowed) {
        if (!holds) {
            String text = node.toString();
            throw ApiException.badField(
                    name,
                    "%s is %s: allowed is %s"
                            .formatted(
                                    name,
                                    text.length() > LONGEST_QUOTE ? text.substring(0, LONGEST_QUOTE) + "…" : text,
                                    allowed));
        }
    }
}
