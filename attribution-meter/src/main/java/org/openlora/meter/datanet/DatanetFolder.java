package org.openlora.meter.datanet;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.openlora.meter.document.DocumentException;
import org.openlora.meter.document.YamlNode;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.files.Progress;

/// A folder with `datanet.yaml`, read strictly, and the rows file that it names, which is not read yet.
///
/// @param file the rows file
record DatanetFolder(
        String id,
        String version,
        String title,
        String licence,
        Bytes32 salt,
        List<Contributor> contributors,
        Path file) {
    private static final int PROGRESS_ROWS = 4_096;
    private static final ObjectMapper JSON = new ObjectMapper()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    DatanetFolder {
        contributors = List.copyOf(contributors);
    }

    /// Takes the rows of a file, in order.
    @FunctionalInterface
    interface RowConsumer {
        void accept(DatanetRow row) throws IOException;
    }

    static DatanetFolder open(Path folder) throws IOException {
        Path file = folder.resolve(Datanet.FILE_NAME);
        if (!Files.isRegularFile(file)) {
            throw new NoSuchFileException(file.toString(), null, "a datanet is a folder with datanet.yaml");
        }
        YamlNode yaml =
                YamlNode.read(file).requireFields("id", "version", "title", "licence", "salt", "rows", "contributors");
        Bytes32 salt = yaml.get("salt").parsed(Bytes32::parse);
        return new DatanetFolder(
                yaml.get("id").text(),
                versionText(yaml.get("version")),
                yaml.get("title").text(),
                yaml.get("licence").text(),
                salt,
                readContributors(yaml.get("contributors"), salt),
                rowsFile(folder, yaml.get("rows")));
    }

    /// All of it, in memory.
    Datanet read() throws IOException {
        List<DatanetRow> rows = new ArrayList<>();
        forEachRow(rows::add);
        return Datanet.of(id, version, title, licence, salt, contributors, rows);
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

    /// The datanet's digest, from reading all rows once.
    Bytes32 digest(Progress progress) throws IOException {
        MessageDigest digest = Datanet.digestOfRows();
        long[] rows = {0};
        forEachRow(row -> {
            digest.update(json(row).bytes());
            digest.update((byte) '\n');
            if (rows[0]++ % PROGRESS_ROWS == 0) {
                progress.at("reading, rows", rows[0], -1);
            }
        });
        return Bytes32.of(digest.digest());
    }

    /// Gives all rows to a writer.
    void writeTo(RowsWriter writer, Progress progress) throws IOException {
        long[] rows = {0};
        forEachRow(row -> {
            RowJson json = json(row);
            writer.add(json.contributor(), json.prompt(), json.text());
            if (rows[0]++ % PROGRESS_ROWS == 0) {
                progress.at("copying, rows", rows[0], -1);
            }
        });
    }

    private RowJson json(DatanetRow row) {
        return new RowJson(contributors.get(row.contributor()).hash(), row.prompt(), row.text());
    }

    /// Reads the rows, one at a time.
    ///
    /// @throws DocumentException naming file, line and field where one breaks the format, or where there is none
    void forEachRow(RowConsumer consumer) throws IOException {
        Map<String, Integer> indices = new HashMap<>();
        for (int i = 0; i < contributors.size(); i++) {
            indices.put(contributors.get(i).id(), i);
        }
        int line = 0;
        try (BufferedReader reader = Files.newBufferedReader(file)) {
            for (String text = reader.readLine(); text != null; text = reader.readLine()) {
                consumer.accept(readRow(file + ": line " + ++line, text, indices));
            }
        } catch (CharacterCodingException e) {
            throw new DocumentException(file + ": line " + (line + 1) + " or soon after: not UTF-8", e);
        }
        if (line == 0) {
            throw new DocumentException(file + ": has no rows");
        }
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
        String text = value.asText();
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            throw new DocumentException(place + ": field '" + name + "' holds half of a surrogate pair");
        }
        return text;
    }
}
