package org.openlora.adapters;

import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.openlora.adapters.AdapterException.Code;

/// Reads `adapter.yaml` strictly: no unknown key, no key twice, no value of another type.
final class AdapterManifestReader {
    private static final long MAX_BYTES = 1L << 16;
    private static final int MAX_TEXT_LENGTH = 4000;
    private static final int MAX_ENTRIES = 1000;

    private static final YAMLMapper YAML = YAMLMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private AdapterManifestReader() {}

    static AdapterManifest read(Path file) {
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw new IllegalArgumentException("is longer than " + MAX_BYTES + " bytes");
            }
            return manifest(YAML.readTree(Files.readAllBytes(file)));
        } catch (IOException e) {
            throw refused("is not readable YAML: " + OneLine.reason(e), e);
        } catch (IllegalArgumentException e) {
            throw refused(OneLine.reason(e), e);
        }
    }

    static AdapterManifest ofJson(String json) {
        try {
            return manifest(JSON.readTree(json));
        } catch (IOException e) {
            throw new IllegalArgumentException("a manifest is not readable JSON: " + OneLine.reason(e), e);
        }
    }

    private static AdapterManifest manifest(JsonNode yaml) {
        checkKeys("document", yaml, Set.of("version", "name", "licence", "owner", "base", "lineage"), "description");
        if (!yaml.path("version").isInt() || yaml.path("version").intValue() != AdapterManifest.VERSION) {
            throw new IllegalArgumentException(
                    "version " + OneLine.quote(yaml.path("version").asText()) + " is not known; allowed: 1");
        }
        JsonNode owner = yaml.path("owner");
        checkKeys("owner", owner, Set.of("name", "payee"));
        return new AdapterManifest(
                text("name", yaml.path("name")),
                yaml.has("description") ? text("description", yaml.path("description")) : "",
                text("licence", yaml.path("licence")),
                new AdapterManifest.Owner(
                        text("owner.name", owner.path("name")), text("owner.payee", owner.path("payee"))),
                digests(yaml.path("base")),
                lineage(yaml.path("lineage")),
                new DigestBuilder(AdapterManifest.DIGEST_DOMAIN).lpJcs(yaml).finish());
    }

    private static List<Digest> digests(JsonNode list) {
        checkList("base", list);
        var digests = new ArrayList<Digest>();
        for (JsonNode entry : list) {
            digests.add(digest("base", entry));
        }
        return digests;
    }

    private static List<AdapterManifest.Lineage> lineage(JsonNode list) {
        checkList("lineage", list);
        var shares = new ArrayList<AdapterManifest.Lineage>();
        for (JsonNode entry : list) {
            checkKeys("lineage entry", entry, Set.of("datanet", "basisPoints"));
            JsonNode basisPoints = entry.path("basisPoints");
            if (!basisPoints.isInt()) {
                throw new IllegalArgumentException(
                        "lineage basisPoints must be a whole number, not " + OneLine.quote(basisPoints.toString()));
            }
            shares.add(new AdapterManifest.Lineage(
                    digest("lineage datanet", entry.path("datanet")), basisPoints.intValue()));
        }
        return shares;
    }

    private static Digest digest(String field, JsonNode value) {
        String text = text(field, value);
        if (!text.startsWith("sha256:")) {
            throw new IllegalArgumentException(field + " " + OneLine.quote(text) + " must be sha256:<64 hex digits>");
        }
        try {
            return Digest.parse(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(field + ": " + e.getMessage(), e);
        }
    }

    private static String text(String field, JsonNode value) {
        if (!value.isTextual()) {
            throw new IllegalArgumentException(
                    field + " must be text; put " + OneLine.quote(value.asText()) + " in quotes");
        }
        String text = value.textValue();
        boolean printable = text.chars().noneMatch(c -> Character.isISOControl(c) && c != '\n');
        if (text.isBlank() || text.length() > MAX_TEXT_LENGTH || !printable || !Utf8.isEncodable(text)) {
            throw new IllegalArgumentException(
                    field + " must be 1 to " + MAX_TEXT_LENGTH + " printable characters, not " + OneLine.quote(text));
        }
        return text;
    }

    private static void checkList(String field, JsonNode list) {
        if (!list.isArray() || list.size() > MAX_ENTRIES) {
            throw new IllegalArgumentException(field + " must be a list of at most " + MAX_ENTRIES + " entries");
        }
    }

    private static void checkKeys(String what, JsonNode object, Set<String> required, String... optional) {
        if (!object.isObject()) {
            throw new IllegalArgumentException(what + " must be a mapping");
        }
        var allowed = new TreeSet<>(required);
        allowed.addAll(List.of(optional));
        object.fieldNames().forEachRemaining(key -> {
            if (!allowed.contains(key)) {
                throw new IllegalArgumentException(
                        what + " has unknown key " + OneLine.quote(key) + "; allowed: " + String.join(", ", allowed));
            }
        });
        for (String key : new TreeSet<>(required)) {
            if (!object.has(key)) {
                throw new IllegalArgumentException(what + " lacks key '" + key + "'");
            }
        }
    }

    private static AdapterException refused(String problem, Exception cause) {
        return new AdapterException(Code.INVALID, AdapterManifest.FILE_NAME + ": " + problem, cause);
    }
}
