package org.openlora.meter.receipt;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// `docs/vectors/receipts.json`, which viem and OpenZeppelin's tree computed.
public final class ReceiptVectors {
    private final JsonNode json;

    private ReceiptVectors(JsonNode json) {
        this.json = json;
    }

    public static ReceiptVectors read() {
        Path file = Path.of(System.getProperty("openlora.root", ".."), "docs/vectors/receipts.json");
        try {
            return new ReceiptVectors(JsonMembers.MAPPER.readTree(Files.readAllBytes(file)));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + file, e);
        }
    }

    public JsonNode json() {
        return json;
    }

    public OperatorKey key() {
        return OperatorKey.ofHex(json.get("privateKey").asText());
    }

    public Eip712Domain domain() {
        JsonNode domain = json.get("domain");
        return new Eip712Domain(
                domain.get("name").asText(),
                domain.get("version").asText(),
                domain.get("chainId").asLong(),
                Address.parse(domain.get("verifyingContract").asText()));
    }

    public List<Receipt> receipts() {
        List<Receipt> receipts = new ArrayList<>();
        for (JsonNode entry : json.get("receipts")) {
            receipts.add(ReceiptCodec.fromJson(JsonMembers.canonical((ObjectNode) entry.get("receipt"))));
        }
        return receipts;
    }

    public List<Bytes32> words(String member) {
        List<Bytes32> words = new ArrayList<>();
        for (JsonNode entry : json.get("receipts")) {
            words.add(Bytes32.parse(entry.get(member).asText()));
        }
        return words;
    }

    public Bytes32 word(String pointer) {
        return Bytes32.parse(json.at(pointer).asText());
    }
}
