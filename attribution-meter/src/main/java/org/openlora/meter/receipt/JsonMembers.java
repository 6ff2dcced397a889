package org.openlora.meter.receipt;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// The members of one JSON object of a known shape, read strictly: nothing missing, nothing unknown, each of its
/// type.
///
/// Types as they are written: `bytes32` as 0x and 64 lower-case digits, `address` in EIP-55 form, integers of up
/// to 32 bits as JSON numbers, wider ones as decimal strings (a JSON number is exact only to 2^53).
final class JsonMembers {
    static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(JsonNodeFeature.WRITE_PROPERTIES_SORTED)
            .build();

    private final String what;
    private final ObjectNode object;

    private JsonMembers(String what, ObjectNode object) {
        this.what = what;
        this.object = object;
    }

    /// RFC 8785 bytes. Sorted members and no spaces are all that it asks of objects whose names and texts are
    /// plain ASCII and whose numbers are integers, as here.
    static byte[] canonical(ObjectNode object) {
        try {
            return MAPPER.writeValueAsBytes(object);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a JSON tree in memory could not be written", e);
        }
    }

    static JsonMembers parse(String what, byte[] json, Set<String> names) {
        try {
            return of(what, MAPPER.readTree(json), names);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(what + ": not JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new IllegalArgumentException(what + ": not UTF-8 JSON: " + e.getMessage(), e);
        }
    }

    private static JsonMembers of(String what, JsonNode node, Set<String> names) {
        if (!(node instanceof ObjectNode object)) {
            throw new IllegalArgumentException(what + ": expected a JSON object");
        }
        Set<String> unknown = new TreeSet<>();
        object.fieldNames().forEachRemaining(unknown::add);
        Set<String> missing = new TreeSet<>(names);
        missing.removeAll(unknown);
        unknown.removeAll(names);
        if (!missing.isEmpty() || !unknown.isEmpty()) {
            throw new IllegalArgumentException(what + ": missing members " + missing + ", unknown members " + unknown);
        }
        return new JsonMembers(what, object);
    }

    /// What was read must be written back to the same bytes; anything else has a second spelling.
    static void requireCanonical(String what, byte[] given, byte[] canonical) {
        if (!Arrays.equals(given, canonical)) {
            throw new IllegalArgumentException(
                    what + ": not in canonical form (RFC 8785; lower-case hashes, EIP-55 addresses, plain integers)");
        }
    }

    JsonMembers object(String name, Set<String> names) {
        return of(path(name), object.get(name), names);
    }

    <T> List<T> list(String name, Set<String> names, Function<JsonMembers, T> element) {
        JsonNode array = object.get(name);
        if (!array.isArray()) {
            throw wrong(name, "an array");
        }
        List<T> elements = new ArrayList<>(array.size());
        for (int i = 0; i < array.size(); i++) {
            elements.add(element.apply(of(path(name) + "[" + i + "]", array.get(i), names)));
        }
        return elements;
    }

    String text(String name) {
        if (!object.get(name).isTextual()) {
            throw wrong(name, "a string");
        }
        return object.get(name).textValue();
    }

    Bytes32 bytes32(String name) {
        return converted(name, Bytes32::parse);
    }

    Address address(String name) {
        return converted(name, Address::parse);
    }

    /// An unsigned integer in a decimal string, up to 2^63 - 1.
    long decimal(String name) {
        String text = text(name);
        if (!text.matches("0|[1-9][0-9]{0,18}")) {
            throw wrong(name, "a decimal string from 0 to 9223372036854775807");
        }
        return converted(name, Long::parseLong);
    }

    int number(String name) {
        JsonNode node = object.get(name);
        if (!node.isIntegralNumber() || !node.canConvertToInt()) {
            throw wrong(name, "an integer of 32 bits");
        }
        return node.intValue();
    }

    private <T> T converted(String name, Function<String, T> parser) {
        try {
            return parser.apply(text(name));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(path(name) + ": " + e.getMessage(), e);
        }
    }

    private String path(String name) {
        return what + "." + name;
    }

    private IllegalArgumentException wrong(String name, String expected) {
        String value = object.get(name).toString();
        return new IllegalArgumentException(path(name) + ": expected " + expected + ", not "
                + (value.length() > 80 ? value.substring(0, 77) + "..." : value));
    }
}
