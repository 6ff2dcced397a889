package org.openlora.meter.datanet;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.document.CanonicalJson;
import org.openlora.meter.document.DocumentException;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.document.YamlNode;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// Reads datanet folders, strictly.
final class DatanetReader {
    private static final byte[] NEW_LINE = {'\n'};
    private static final ObjectMapper JSON = new ObjectMapper()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private DatanetReader() {}

    static Datanet read(Path folder) throws IOException {
        Path file = folder.resolve(Datanet.FILE_NAME);
        if (!Files.isRegularFile(file)) {
            throw new NoSuchFileException(file.toString(), null, "a datanet is a folder with datanet.yaml");
        }
        YamlNode yaml =
                YamlNode.read(file).requireFields("id", "version", "title", "licence", "salt", "rows", "contributors");
        Bytes32 salt = yaml.get("salt").parsed(Bytes32::parse);
        List<Contributor> contributors = readContributors(yaml.get("contributors"), salt);
        List<DatanetRow> rows = readRows(rowsFile(folder, yaml.get("rows")), contributors);
        return Datanet.of(
                yaml.get("id").text(),
                versionText(yaml.get("version")),
                yaml.get("title").text(),
                yaml.get("licence").text(),
                salt,
                contributors,
                rows);
    }

    /// `version: 1` and `version: "1"` are the same version.
    private static String versionText(YamlNode node) {
        return node.toJson().isIntegralNumber() ? node.toJson().asText() : node.text();
    }

    private static Path rowsFile(Path folder, YamlNode node) throws IOException {
        Path file = folder.resolve(node.text()).normalize();
        if (!folder.normalize().equals(file.getParent())) {
            throw node.error("must be a file name within the datanet's folder");
        }
        if (!Files.isRegularFile(file)) {
            throw node.error("names a file that does not exist");
        }
        return file;
    }

    private static List<Contributor> readContributors(YamlNode list, Bytes32 salt) {
        List<Contributor> contributors = new ArrayList<>();
        Map<String, YamlNode> seen = new HashMap<>();
        for (YamlNode node : list.items()) {
            node.requireFields("id", "name", "payee");
            String id = node.get("id").text();
            if (seen.put(id, node) != null) {
                throw node.get("id").error("is the id of two contributors");
            }
            Address payee = node.get("payee").parsed(Address::parse);
            if (payee.isZero()) {
                throw node.get("payee").error("must not be the zero address");
            }
            contributors.add(new Contributor(
                    id, Contributor.hash(salt, id), node.get("name").text(), payee));
        }
        if (contributors.isEmpty()) {
            throw list.error("must name at least one contributor");
        }
        return contributors;
    }

    private static List<DatanetRow> readRows(Path file, List<Contributor> contributors) throws IOException {
        Map<String, Integer> indices = new HashMap<>();
        for (int i = 0; i < contributors.size(); i++) {
            indices.put(contributors.get(i).id(), i);
        }
        List<DatanetRow> rows = new ArrayList<>();
        int line = 0;
        try (BufferedReader reader = Files.newBufferedReader(file)) {
            for (String text = reader.readLine(); text != null; text = reader.readLine()) {
                rows.add(readRow(file + ": line " + ++line, text, indices));
            }
        } catch (CharacterCodingException e) {
            throw new DocumentException(file + ": line " + (line + 1) + " or soon after: not UTF-8", e);
        }
        if (rows.isEmpty()) {
            throw new DocumentException(file + ": has no rows");
        }
        return rows;
    }

    private static DatanetRow readRow(String place, String text, Map<String, Integer> contributors) {
        JsonNode row;
        try {
            row = JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new DocumentException(place + ": not one JSON object: " + e.getOriginalMessage(), e);
        }
        if (row == null || !row.isObject()) {
            throw new DocumentException(place + ": must be a JSON object with contributor, text and perhaps prompt");
        }
        for (Iterator<String> names = row.fieldNames(); names.hasNext(); ) {
            String name = names.next();
            if (!name.equals("contributor") && !name.equals("prompt") && !name.equals("text")) {
                throw new DocumentException(
                        place + ": field '" + name + "' is not known; allowed are contributor, prompt, text");
            }
        }
        String id = required(place, row, "contributor");
        Integer contributor = contributors.get(id);
        if (contributor == null) {
            throw new DocumentException(
                    place + ": field 'contributor' names '" + id + "', who is not in " + Datanet.FILE_NAME);
        }
        String prompt = row.has("prompt") ? required(place, row, "prompt") : null;
        return new DatanetRow(contributor, prompt, required(place, row, "text"));
    }

    private static String required(String place, JsonNode row, String name) {
        JsonNode value = row.get(name);
        if (value == null || !value.isTextual() || value.asText().isBlank()) {
            throw new DocumentException(place + ": field '" + name + "' must be a text that is not blank");
        }
        return value.asText();
    }

    /// SHA-256 of `lp("openlora/datanet/v1")` and, for each row in file order, its canonical JSON and a line
    /// feed.
    static Bytes32 digest(List<Contributor> contributors, List<DatanetRow> rows) {
        Sha256 digest = Sha256.domain("openlora/datanet/v1");
        for (DatanetRow row : rows) {
            digest.raw(CanonicalJson.bytes(toJson(contributors, row))).raw(NEW_LINE);
        }
        return digest.digest();
    }

    private static ObjectNode toJson(List<Contributor> contributors, DatanetRow row) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        // The bare 64 digits, without a prefix: this is a salted name, not the digest of some content.
        node.put(
                "contributor",
                contributors.get(row.contributor()).hash().toString().substring(2));
        @Nullable String prompt = row.prompt();
        if (prompt != null) {
            node.put("prompt", prompt);
        }
        return node.put("text", row.text());
    }
}
