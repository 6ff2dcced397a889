package org.openlora.meter.evm;

import java.nio.charset.StandardCharsets;
import org.bouncycastle.crypto.digests.KeccakDigest;

/// Keccak-256 with the original padding, the hash of the EVM (not NIST's SHA3-256).
public final class Keccak256 {
    private Keccak256() {}

    /// Hash of the parts, one after the other.
    public static Bytes32 hash(byte[]... parts) {
        return Bytes32.of(hashBytes(parts), 0);
    }

    /// Hash of a text's UTF-8 bytes.
    public static Bytes32 hash(String text) {
        return hash(text.getBytes(StandardCharsets.UTF_8));
    }

    /// Hashes what comes piece by piece.
    public static final class Hasher {
        private final KeccakDigest digest = new KeccakDigest(256);

        public Hasher update(byte[] part) {
            digest.update(part, 0, part.length);
            return this;
        }

        /// The hash of all parts, and a fresh start.
        public Bytes32 finish() {
            byte[] hash = new byte[Bytes32.SIZE_BYTES];
            digest.doFinal(hash, 0);
            return Bytes32.of(hash);
        }
    }

    static byte[] hashBytes(byte[]... parts) {
        KeccakDigest digest = new KeccakDigest(256);
        for (byte[] part : parts) {
            digest.update(part, 0, part.length);
        }
        byte[] hash = new byte[Bytes32.SIZE_BYTES];
        digest.doFinal(hash, 0);
        return hash;
    }
}
