package org.openlora.meter.datanet;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.document.CanonicalJson;
import org.openlora.meter.evm.Bytes32;

/// The canonical bytes of a row (RFC 8785), which digests, leaves and the stored copy are made of.
///
/// @param contributor salted hash, written as its bare 64 digits: a salted name, not the digest of some content
record RowJson(Bytes32 contributor, @Nullable String prompt, String text) {
    private static final JsonMapper JSON = new JsonMapper();

    byte[] bytes() {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("contributor", contributor.toString().substring(2));
        if (prompt != null) {
            node.put("prompt", prompt);
        }
        return CanonicalJson.bytes(node.put("text", text));
    }

    /// Reads what [#bytes] wrote; nothing else is ever given to it.
    static RowJson ofBytes(byte[] bytes) throws IOException {
        JsonNode node = JSON.readTree(bytes);
        JsonNode prompt = node.get("prompt");
        return new RowJson(
                Bytes32.parse(node.path("contributor").asText()),
                prompt == null ? null : prompt.asText(),
                node.path("text").asText());
    }
}
