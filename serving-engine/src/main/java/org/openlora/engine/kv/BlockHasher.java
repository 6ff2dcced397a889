package org.openlora.engine.kv;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import org.openlora.meter.evm.Bytes32;

/// Names full blocks by everything that their keys and values depend on: the SHA-256 of the name of the block
/// before, or of the chain's seed, and the block's token ids.
///
/// A cryptographic hash, because two contents of one name would show one tenant the other's prompt. Not
/// thread-safe: it owns scratch memory.
public final class BlockHasher {
    private final int blockTokens;
    private final MessageDigest sha256;
    private final byte[] content; // the name before, then the ids, u32 little-endian
    private final ByteBuffer ids;

    public BlockHasher(int blockTokens) {
        this.blockTokens = blockTokens;
        try {
            sha256 = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this Java runtime has no SHA-256", e);
        }
        content = new byte[Bytes32.SIZE_BYTES + blockTokens * Integer.BYTES];
        ids = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
    }

    /// @param before name of the block before, or the seed
    /// @param tokens holds the block's ids from `from` on
    Bytes32 name(Bytes32 before, int[] tokens, int from) {
        before.writeTo(content, 0);
        for (int i = 0; i < blockTokens; i++) {
            ids.putInt(Bytes32.SIZE_BYTES + i * Integer.BYTES, tokens[from + i]);
        }
        return Bytes32.of(sha256.digest(content));
    }

    int blockTokens() {
        return blockTokens;
    }
}
