package org.openlora.server.audit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Function;
import org.openlora.meter.audit.AuditText;
import org.openlora.meter.usage.TokenIds;
import org.openlora.server.problem.Problem;

/// The text of a request as its owner gives it: `{"prompt": …, "output": …}`, each an array of token ids or a string,
/// which
/// is cut as the model reads it. Salted hashes in the receipt say whether it is the one.
public final class TextFile {
    private static final JsonMapper JSON = new JsonMapper();

    private TextFile() {}

    /// @throws Problem where the file cannot be read or is no such document
    public static AuditText read(Path file, Function<String, int[]> encode) {
        JsonNode document;
        try {
            document = JSON.readTree(file.toFile());
        } catch (IOException e) {
            throw new Problem(
                    "%s cannot be read as JSON: %s".formatted(file, Problem.describe(e)),
                    "write {\"prompt\": [ids], \"output\": [ids]}",
                    e);
        }
        return new AuditText(
                "given text", ids(file, document, "prompt", encode), ids(file, document, "output", encode), null);
    }

    private static TokenIds ids(Path file, JsonNode document, String name, Function<String, int[]> encode) {
        JsonNode value = document.path(name);
        if (value.isTextual()) {
            return TokenIds.of(encode.apply(value.asText()));
        }
        boolean whole = value.isArray() && value.valueStream().allMatch(id -> id.isInt() && id.asInt() >= 0);
        if (!whole) {
            throw new Problem(
                    "%s: %s must be an array of token ids or a string".formatted(file, name),
                    "take the ids of the streamed answer");
        }
        return TokenIds.of(value.valueStream().mapToInt(JsonNode::asInt).toArray());
    }
}
