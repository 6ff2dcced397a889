package org.openlora.meter.usage;

import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;

/// Salted hashes of token ids: whoever holds the salt and the ids can show what a receipt was for, nobody else
/// can guess it. SHA-256 of `lp(domain) ‖ salt ‖ lp(ids as u32 little-endian)`.
public final class TokenHashes {
    private static final String PROMPT_DOMAIN = "openlora/prompt/v1";
    private static final String OUTPUT_DOMAIN = "openlora/output/v1";

    private TokenHashes() {}

    public static Bytes32 prompt(Bytes32 salt, TokenIds ids) {
        return hash(PROMPT_DOMAIN, salt, ids);
    }

    public static Bytes32 output(Bytes32 salt, TokenIds ids) {
        return hash(OUTPUT_DOMAIN, salt, ids);
    }

    private static Bytes32 hash(String domain, Bytes32 salt, TokenIds ids) {
        return Sha256.domain(domain).word(salt).prefixed(ids.bytes()).digest();
    }
}
