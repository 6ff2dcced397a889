package org.openlora.meter.datanet;

import java.nio.charset.StandardCharsets;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// Someone who wrote rows of a datanet.
///
/// @param id the name used in `rows.jsonl`
/// @param hash the salted hash that stands for the contributor in digests and receipts
/// @param name for people to read; enters no digest
/// @param payee where the contributor's earnings go; enters no digest
public record Contributor(String id, Bytes32 hash, String name, Address payee) {
    /// SHA-256 of `lp("openlora/contributor/v1") ‖ lp(salt) ‖ lp(id)`: the same person has unrelated hashes in
    /// datanets of different salts.
    public static Bytes32 hash(Bytes32 salt, String id) {
        return Sha256.domain("openlora/contributor/v1")
                .prefixed(salt.bytes())
                .prefixed(id.getBytes(StandardCharsets.UTF_8))
                .digest();
    }
}
