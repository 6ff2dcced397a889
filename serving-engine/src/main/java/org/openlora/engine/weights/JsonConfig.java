package org.openlora.engine.weights;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;

/// Typed reading of a configuration object. A key that is null counts as absent, as it does for Transformers.
record JsonConfig(String file, ObjectNode json) {
    ModelLoadException failure(String message) {
        return new ModelLoadException(file + ": " + message);
    }

    boolean has(String key) {
        return json.hasNonNull(key);
    }

    private JsonNode value(String key) {
        return has(key) ? json.get(key) : MissingNode.getInstance();
    }

    int requireInt(String key) {
        if (!has(key)) {
            throw failure("%s is missing".formatted(key));
        }
        return integer(key, 0);
    }

    int integer(String key, int absent) {
        JsonNode value = value(key);
        if (value.isMissingNode()) {
            return absent;
        }
        if (!value.isIntegralNumber() || !value.canConvertToInt()) {
            throw failure("%s is %s, not a whole number".formatted(key, value));
        }
        return value.intValue();
    }

    double number(String key, double absent) {
        JsonNode value = value(key);
        if (value.isMissingNode()) {
            return absent;
        }
        if (!value.isNumber()) {
            throw failure("%s is %s, not a number".formatted(key, value));
        }
        return value.doubleValue();
    }

    boolean flag(String key, boolean absent) {
        JsonNode value = value(key);
        if (value.isMissingNode()) {
            return absent;
        }
        if (!value.isBoolean()) {
            throw failure("%s is %s, not true or false".formatted(key, value));
        }
        return value.booleanValue();
    }

    String string(String key, String absent) {
        JsonNode value = value(key);
        if (value.isMissingNode()) {
            return absent;
        }
        if (!value.isTextual()) {
            throw failure("%s is %s, not a string".formatted(key, value));
        }
        return value.textValue();
    }

    /// A whole number or a list of them.
    List<Integer> integers(String key) {
        JsonNode value = value(key);
        List<Integer> integers = new ArrayList<>();
        for (JsonNode item : value.isArray() ? value : value.isMissingNode() ? List.<JsonNode>of() : List.of(value)) {
            if (!item.isIntegralNumber() || !item.canConvertToInt()) {
                throw failure("%s is %s, not a whole number or a list of them".formatted(key, value));
            }
            integers.add(item.intValue());
        }
        return integers;
    }

    List<String> strings(String key) {
        JsonNode value = value(key);
        List<String> strings = new ArrayList<>();
        for (JsonNode item : value) {
            strings.add(item.asText());
        }
        if (!value.isMissingNode() && !value.isArray()) {
            throw failure("%s is %s, not a list".formatted(key, value));
        }
        return strings;
    }

    JsonConfig object(String key) {
        if (value(key) instanceof ObjectNode object) {
            return new JsonConfig(file, object);
        }
        throw failure("%s is %s, not an object".formatted(key, value(key)));
    }
}
