package org.openlora.engine.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Reads the JSON files of a model directory, strictly: one object, no key twice, nothing after it, within a
/// size.
public final class JsonFiles {
    /// More than any configuration of a model needs.
    public static final long MAX_CONFIG_BYTES = 16L << 20;

    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxStringLength((int) MAX_CONFIG_BYTES)
                            .maxNestingDepth(100)
                            .build())
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private JsonFiles() {}

    /// @throws ModelLoadException naming the file, and the line and column where it is not JSON
    public static ObjectNode readObject(Path path, long maxBytes) {
        try {
            long size = Files.size(path);
            if (size > maxBytes) {
                throw new ModelLoadException("%s has %d bytes; at most %d are read".formatted(path, size, maxBytes));
            }
            return object(path.toString(), MAPPER.readTree(Files.readAllBytes(path)));
        } catch (JsonProcessingException e) {
            var at = e.getLocation();
            throw new ModelLoadException(
                    "%s is not JSON: %s (line %d, column %d)"
                            .formatted(path, e.getOriginalMessage(), at.getLineNr(), at.getColumnNr()),
                    e);
        } catch (IOException e) {
            throw new ModelLoadException("%s cannot be read: %s".formatted(path, e), e);
        }
    }

    private static ObjectNode object(String path, JsonNode json) {
        if (json instanceof ObjectNode object) {
            return object;
        }
        throw new ModelLoadException("%s does not hold a JSON object".formatted(path));
    }
}
