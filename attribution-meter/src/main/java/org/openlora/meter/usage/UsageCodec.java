package org.openlora.meter.usage;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.openlora.meter.document.DocumentException;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.AdapterUse;

/// A usage row as canonical JSON (all but the token ids, which are kept apart because they are dropped) and the
/// hash that tells a repeated row from a changed one.
public final class UsageCodec {
    /// Sorted members and no spaces are all that RFC 8785 asks of a row: its names and texts are plain ASCII, its
    /// numbers integers below 2⁵³.
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(JsonNodeFeature.WRITE_PROPERTIES_SORTED).build();

    private UsageCodec() {}

    /// The row without its token ids.
    public static String toJson(UsageRow row) {
        ObjectNode node = JSON.createObjectNode()
                .put("requestId", row.requestId().toString())
                .put("source", row.source())
                .put("account", row.account().toString())
                .put("payer", row.payer().toString())
                .put("servedFromMillis", row.servedFromMillis())
                .put("servedToMillis", row.servedToMillis())
                .put("baseDigest", row.baseDigest().toString())
                .put("tokenizerDigest", row.tokenizerDigest().toString())
                .put("numericPath", row.numericPath().toString())
                .put("cachedTokens", row.cachedTokens())
                .put("discardedTokens", row.discardedTokens())
                .put("requestSalt", row.requestSalt().toString());
        ArrayNode adapters = node.putArray("adapters");
        row.adapters().forEach(adapter -> writeAdapter(adapter, adapters.addObject()));
        ScoringVersions versions = row.versions();
        ObjectNode versionsNode = node.putObject("versions")
                .put("scorer", versions.scorer().toString())
                .put("payees", versions.payees().toString())
                .put("priceBook", versions.priceBook().toString());
        ArrayNode datanets = versionsNode.putArray("datanets");
        versions.datanets().forEach(datanet -> datanets.add(datanet.toString()));
        try {
            return JSON.writeValueAsString(node);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a JSON tree in memory could not be written", e);
        }
    }

    private static void writeAdapter(AdapterUsage adapter, ObjectNode node) {
        AdapterUse use = adapter.use();
        node.put("digest", use.digest().toString())
                .put("manifestDigest", use.manifestDigest().toString())
                .put("scalePpm", use.scalePpm())
                .put("tokens", use.tokens());
        Address owner = adapter.ownerPayee();
        if (owner != null) {
            node.put("ownerPayee", owner.toString());
        }
        ArrayNode lineage = node.putArray("lineage");
        for (LineageShare share : adapter.lineage()) {
            lineage.addObject().put("datanet", share.datanet().toString()).put("basisPoints", share.basisPoints());
        }
    }

    /// Reads what [#toJson] wrote.
    ///
    /// @throws DocumentException where the text is not such a row
    public static UsageRow fromJson(String json, TokenIds prompt, TokenIds output) {
        JsonNode node = parse(json);
        List<AdapterUsage> adapters = adapters(node);
        return new UsageRow(
                word(node, "requestId"),
                node.required("source").asText(),
                word(node, "account"),
                Address.parse(node.required("payer").asText()),
                node.required("servedFromMillis").asLong(),
                node.required("servedToMillis").asLong(),
                word(node, "baseDigest"),
                word(node, "tokenizerDigest"),
                word(node, "numericPath"),
                adapters,
                prompt,
                output,
                node.required("cachedTokens").asInt(),
                node.required("discardedTokens").asInt(),
                word(node, "requestSalt"),
                versions(node));
    }

    /// The adapters of a row, with owners and lineage, from its JSON alone.
    ///
    /// @throws DocumentException where the text is not such a row
    public static List<AdapterUsage> adapters(String json) {
        return adapters(parse(json));
    }

    /// What scores a row, from its JSON alone.
    ///
    /// @throws DocumentException where the text is not such a row
    public static ScoringVersions versions(String json) {
        return versions(parse(json));
    }

    private static ScoringVersions versions(JsonNode row) {
        JsonNode versions = row.required("versions");
        List<Bytes32> datanets = new ArrayList<>();
        versions.required("datanets").forEach(datanet -> datanets.add(Bytes32.parse(datanet.asText())));
        return new ScoringVersions(
                word(versions, "scorer"), datanets, word(versions, "payees"), word(versions, "priceBook"));
    }

    private static JsonNode parse(String json) {
        try {
            return JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new DocumentException("usage row: " + e.getOriginalMessage(), e);
        }
    }

    private static List<AdapterUsage> adapters(JsonNode row) {
        List<AdapterUsage> adapters = new ArrayList<>();
        row.required("adapters").forEach(adapter -> adapters.add(readAdapter(adapter)));
        return adapters;
    }

    private static AdapterUsage readAdapter(JsonNode node) {
        List<LineageShare> lineage = new ArrayList<>();
        for (JsonNode share : node.required("lineage")) {
            lineage.add(new LineageShare(
                    word(share, "datanet"), share.required("basisPoints").asInt()));
        }
        AdapterUse use = new AdapterUse(
                word(node, "digest"),
                word(node, "manifestDigest"),
                node.required("scalePpm").asInt(),
                node.required("tokens").asInt());
        JsonNode owner = node.get("ownerPayee");
        return new AdapterUsage(use, lineage, owner == null ? null : Address.parse(owner.asText()));
    }

    private static Bytes32 word(JsonNode node, String name) {
        return Bytes32.parse(node.required(name).asText());
    }

    /// SHA-256 of `lp("openlora/usage-row/v1") ‖ lp(JSON) ‖ lp(prompt ids) ‖ lp(output ids)`.
    public static Bytes32 hash(UsageRow row) {
        return hash(row, toJson(row));
    }

    /// The hash of a row whose JSON is known.
    public static Bytes32 hash(UsageRow row, String json) {
        return Sha256.domain("openlora/usage-row/v1")
                .prefixed(json.getBytes(StandardCharsets.UTF_8))
                .prefixed(row.prompt().bytes())
                .prefixed(row.output().bytes())
                .digest();
    }
}
