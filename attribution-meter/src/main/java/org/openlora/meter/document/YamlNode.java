package org.openlora.meter.document;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/// A value in a YAML (or JSON) document that knows where it stands, so that whatever is wrong with it can be said
/// with file, line and field. Duplicate keys, unknown fields, values of the wrong kind and second documents are
/// refused.
public final class YamlNode {
    private static final YAMLFactory FACTORY = new YAMLFactory();

    private final String file;
    private final int line;
    private final String field;
    private final Content content;

    /// What a node holds.
    private sealed interface Content {
        record Fields(Map<String, YamlNode> values) implements Content {}

        record Items(List<YamlNode> values) implements Content {}

        record Scalar(JsonNode value) implements Content {}
    }

    private YamlNode(String file, int line, String field, Content content) {
        this.file = file;
        this.line = line;
        this.field = field;
        this.content = content;
    }

    /// Reads the one document of a file.
    ///
    /// @throws IOException where the file cannot be read
    /// @throws DocumentException where it is not one well-formed document
    public static YamlNode read(Path file) throws IOException {
        return parse(file.toString(), Files.readString(file));
    }

    /// Parses the one document of a text; `file` is the name used in errors.
    ///
    /// @throws DocumentException where the text is not one well-formed document
    public static YamlNode parse(String file, String text) {
        try (JsonParser parser = FACTORY.createParser(text)) {
            if (parser.nextToken() == null) {
                throw new DocumentException(file + ": is empty");
            }
            YamlNode root = readNode(parser, file, "");
            if (parser.nextToken() != null) {
                throw new DocumentException(file + ": line " + lineOf(parser) + ": a second document is not allowed");
            }
            return root;
        } catch (JsonProcessingException e) {
            String reason = e.getOriginalMessage().lines().findFirst().orElse("not YAML");
            int line = e.getLocation() == null ? 1 : e.getLocation().getLineNr();
            throw new DocumentException(file + ": line " + line + ": " + reason, e);
        } catch (IOException e) {
            throw new DocumentException(file + ": " + e.getMessage(), e);
        }
    }

    private static int lineOf(JsonParser parser) {
        return parser.currentTokenLocation().getLineNr();
    }

    private static YamlNode readNode(JsonParser parser, String file, String field) throws IOException {
        int line = lineOf(parser);
        JsonNodeFactory nodes = JsonNodeFactory.instance;
        Content content =
                switch (parser.currentToken()) {
                    case START_OBJECT -> readFields(parser, file, field);
                    case START_ARRAY -> readItems(parser, file, field);
                    case VALUE_STRING -> new Content.Scalar(nodes.textNode(parser.getText()));
                    case VALUE_NUMBER_INT -> new Content.Scalar(nodes.numberNode(parser.getBigIntegerValue()));
                    case VALUE_NUMBER_FLOAT -> new Content.Scalar(nodes.numberNode(parser.getDoubleValue()));
                    case VALUE_TRUE, VALUE_FALSE -> new Content.Scalar(nodes.booleanNode(parser.getBooleanValue()));
                    case VALUE_NULL -> new Content.Scalar(nodes.nullNode());
                    case NOT_AVAILABLE, END_OBJECT, END_ARRAY, FIELD_NAME, VALUE_EMBEDDED_OBJECT ->
                        throw new DocumentException(file + ": line " + line + ": unexpected " + parser.currentToken());
                };
        return new YamlNode(file, line, field, content);
    }

    private static Content readFields(JsonParser parser, String file, String field) throws IOException {
        Map<String, YamlNode> values = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String name = parser.currentName();
            String path = field.isEmpty() ? name : field + "." + name;
            int line = lineOf(parser);
            parser.nextToken();
            if (values.put(name, readNode(parser, file, path)) != null) {
                throw new DocumentException(file + ": line " + line + ": field '" + path + "' is given twice");
            }
        }
        return new Content.Fields(values);
    }

    private static Content readItems(JsonParser parser, String file, String field) throws IOException {
        List<YamlNode> values = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            values.add(readNode(parser, file, field + "[" + values.size() + "]"));
        }
        return new Content.Items(values);
    }

    /// Checks that this is a mapping with no other fields than these.
    public YamlNode requireFields(String... allowed) {
        Set<String> names = Set.of(allowed);
        for (Map.Entry<String, YamlNode> entry : fields().entrySet()) {
            if (!names.contains(entry.getKey())) {
                throw entry.getValue().error("is not a known field; allowed are " + String.join(", ", allowed));
            }
        }
        return this;
    }

    /// The value of a field that must be there.
    public YamlNode get(String name) {
        return find(name)
                .orElseThrow(() -> new DocumentException(
                        place() + ": field '" + (field.isEmpty() ? name : field + "." + name) + "' is missing"));
    }

    /// The value of a field that may be left out (or be null).
    public Optional<YamlNode> find(String name) {
        return Optional.ofNullable(fields().get(name)).filter(node -> !node.isNull());
    }

    /// The items of a list.
    public List<YamlNode> items() {
        if (content instanceof Content.Items(List<YamlNode> values)) {
            return List.copyOf(values);
        }
        throw error("must be a list");
    }

    /// A text that is not blank.
    public String text() {
        if (content instanceof Content.Scalar(JsonNode value)
                && value.isTextual()
                && !value.asText().isBlank()) {
            return value.asText();
        }
        throw error("must be a text that is not blank");
    }

    /// An integer within bounds, both included.
    public long integer(long least, long most) {
        if (content instanceof Content.Scalar(JsonNode value) && value.isIntegralNumber() && value.canConvertToLong()) {
            long number = value.asLong();
            if (number >= least && number <= most) {
                return number;
            }
        }
        throw error("must be an integer from " + least + " to " + most);
    }

    /// A text read by a parser that throws [IllegalArgumentException] (or a subclass) on what it does not accept.
    public <T> T parsed(Function<String, T> parser) {
        String text = text();
        try {
            return parser.apply(text);
        } catch (IllegalArgumentException e) {
            throw new DocumentException(place() + ": field '" + field + "': " + e.getMessage(), e);
        }
    }

    /// The same values as a JSON tree.
    public JsonNode toJson() {
        return switch (content) {
            case Content.Fields(Map<String, YamlNode> values) -> {
                var node = JsonNodeFactory.instance.objectNode();
                values.forEach((name, value) -> node.set(name, value.toJson()));
                yield node;
            }
            case Content.Items(List<YamlNode> values) -> {
                var node = JsonNodeFactory.instance.arrayNode();
                values.forEach(value -> node.add(value.toJson()));
                yield node;
            }
            case Content.Scalar(JsonNode value) -> value;
        };
    }

    /// An error at this place: `file: line N: field 'a.b' <problem>, found <value>`.
    public DocumentException error(String problem) {
        String name = field.isEmpty() ? "the document" : "field '" + field + "'";
        String found = content instanceof Content.Scalar(JsonNode value) ? ", found " + shortened(value) : "";
        return new DocumentException(place() + ": " + name + " " + problem + found);
    }

    private String place() {
        return file + ": line " + line;
    }

    private static String shortened(JsonNode value) {
        String text = value.toString();
        return text.length() <= 80 ? text : text.substring(0, 77) + "...";
    }

    private boolean isNull() {
        return content instanceof Content.Scalar(JsonNode value) && value.isNull();
    }

    private Map<String, YamlNode> fields() {
        if (content instanceof Content.Fields(Map<String, YamlNode> values)) {
            return values;
        }
        throw error("must be a mapping");
    }
}
