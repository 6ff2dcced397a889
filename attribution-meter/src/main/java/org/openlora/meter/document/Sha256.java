package org.openlora.meter.document;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import org.openlora.meter.evm.Bytes32;

/// SHA-256 over length-prefixed parts, the way every OpenLoRA identity is made: the first part is the domain, so
/// that no two kinds of content share a digest. `lp(b)` is an 8-byte little-endian length and the bytes.
public final class Sha256 {
    private static final String PREFIX = "sha256:";

    private final MessageDigest digest;

    private Sha256() {
        digest = plain();
    }

    /// A digest of the Java runtime, for those who feed it by themselves.
    public static MessageDigest plain() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this Java runtime has no SHA-256", e);
        }
    }

    /// Begins with `lp(domain)`.
    public static Sha256 domain(String domain) {
        return new Sha256().prefixed(domain.getBytes(StandardCharsets.UTF_8));
    }

    /// The plain SHA-256 of some bytes, without a domain.
    public static Bytes32 hash(byte[] bytes) {
        return new Sha256().raw(bytes).digest();
    }

    /// Reads `sha256:` and 64 hexadecimal digits.
    ///
    /// @throws IllegalArgumentException naming the text
    public static Bytes32 parse(String text) {
        if (!text.startsWith(PREFIX) || text.length() != PREFIX.length() + 2 * Bytes32.SIZE_BYTES) {
            throw new IllegalArgumentException("a digest is sha256: and 64 hexadecimal digits, not '" + text + "'");
        }
        return Bytes32.parse(text.substring(PREFIX.length()));
    }

    /// The text form `sha256:<64 hex>`.
    public static String text(Bytes32 digest) {
        return PREFIX + digest.toString().substring(2);
    }

    public Sha256 prefixed(byte[] bytes) {
        return u64(bytes.length).raw(bytes);
    }

    public Sha256 raw(byte[] bytes) {
        digest.update(bytes);
        return this;
    }

    public Sha256 word(Bytes32 word) {
        return raw(word.bytes());
    }

    /// Eight bytes, little-endian.
    public Sha256 u64(long value) {
        digest.update(ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .flip());
        return this;
    }

    public Bytes32 digest() {
        return Bytes32.of(digest.digest());
    }
}
