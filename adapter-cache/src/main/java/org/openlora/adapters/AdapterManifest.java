package org.openlora.adapters;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;

/// `adapter.yaml`: what an adapter's owner says about it. Not part of the weights' identity; it has a digest of
/// its own.
///
/// @param base digests of the bases it was made for, at least one
/// @param lineage the datanets it was trained on; empty where its owner names none
/// @param digest SHA-256 of `lp("openlora/manifest/v1") ‖ lp(JCS(the document as JSON))`
public record AdapterManifest(
        String name,
        String description,
        String licence,
        Owner owner,
        List<Digest> base,
        List<Lineage> lineage,
        Digest digest) {
    /// The file's name, beside `adapter_config.json`.
    public static final String FILE_NAME = "adapter.yaml";

    /// Domain of the manifest digest.
    public static final String DIGEST_DOMAIN = "openlora/manifest/v1";

    /// The version of the format.
    static final int VERSION = 1;

    /// What the shares of a lineage sum up to.
    public static final int TOTAL_BASIS_POINTS = 10_000;

    /// Who is paid for the adapter.
    ///
    /// @param payee EVM address, all lower-case or with its EIP-55 checksum
    public record Owner(String name, String payee) {
        public Owner {
            if (!EvmAddress.isValid(payee)) {
                throw new IllegalArgumentException("owner.payee " + OneLine.quote(payee)
                        + " is not an EVM address; allowed: 0x and 40 hexadecimal digits, all lower-case or with a"
                        + " correct EIP-55 checksum");
            }
        }
    }

    /// A datanet's share in the adapter.
    public record Lineage(Digest datanet, int basisPoints) {
        public Lineage {
            if (basisPoints < 1 || basisPoints > TOTAL_BASIS_POINTS) {
                throw new IllegalArgumentException(
                        "lineage basisPoints " + basisPoints + " is not from 1 to " + TOTAL_BASIS_POINTS);
            }
        }
    }

    public AdapterManifest {
        base = List.copyOf(base);
        lineage = List.copyOf(lineage);
        if (base.isEmpty()) {
            throw new IllegalArgumentException("base must list at least one digest");
        }
        int sum = lineage.stream().mapToInt(Lineage::basisPoints).sum();
        if (!lineage.isEmpty() && sum != TOTAL_BASIS_POINTS) {
            throw new IllegalArgumentException("lineage basisPoints sum up to " + sum + ", not " + TOTAL_BASIS_POINTS);
        }
        var datanets = new HashSet<Digest>();
        for (Lineage share : lineage) {
            if (!datanets.add(share.datanet())) {
                throw new IllegalArgumentException("lineage names datanet " + share.datanet() + " twice");
            }
        }
    }

    /// Reads an `adapter.yaml`; throws [AdapterException] with code `INVALID` naming the field.
    public static AdapterManifest read(Path file) {
        return AdapterManifestReader.read(file);
    }

    /// Reads what [#toJson] gave; throws [IllegalArgumentException] naming the field.
    public static AdapterManifest ofJson(String json) {
        return AdapterManifestReader.ofJson(json);
    }

    /// The document in the canonical form of RFC 8785, over which its digest goes.
    public String toJson() {
        ObjectNode document = JsonNodeFactory.instance.objectNode();
        document.put("version", VERSION).put("name", name).put("licence", licence);
        if (!description.isEmpty()) {
            document.put("description", description);
        }
        document.putObject("owner").put("name", owner.name()).put("payee", owner.payee());
        ArrayNode bases = document.putArray("base");
        base.forEach(one -> bases.add(one.toString()));
        ArrayNode shares = document.putArray("lineage");
        for (Lineage share : lineage) {
            shares.addObject().put("datanet", share.datanet().toString()).put("basisPoints", share.basisPoints());
        }
        return new String(DigestBuilder.jcs(document), StandardCharsets.UTF_8);
    }
}
