package org.openlora.adapters;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// A SHA-256 digest: the identity of adapters, bases, manifests, datanets.
///
/// @param hex 64 lower-case hexadecimal digits
public record Digest(String hex) implements Comparable<Digest> {
    /// Bytes of a digest.
    public static final int BYTES = 32;

    /// The digest that stands for "there is none", as for an adapter without a manifest.
    public static final Digest ZERO = new Digest("0".repeat(2 * BYTES));

    private static final String PREFIX = "sha256:";

    public Digest {
        if (hex.length() != 2 * BYTES || !hex.chars().allMatch(Digest::isLowerHex)) {
            throw new IllegalArgumentException(
                    "digest " + OneLine.quote(hex) + " is not 64 lower-case hexadecimal digits");
        }
    }

    /// Reads `sha256:<64 hex>` or the 64 digits alone; throws [IllegalArgumentException] otherwise.
    public static Digest parse(String text) {
        return new Digest(text.startsWith(PREFIX) ? text.substring(PREFIX.length()) : text);
    }

    /// Wraps exactly 32 bytes.
    public static Digest of(byte[] bytes) {
        return new Digest(HexFormat.of().formatHex(bytes));
    }

    /// The SHA-256 of `data`.
    public static Digest sha256(byte[] data) {
        return of(newSha256().digest(data));
    }

    public byte[] bytes() {
        return HexFormat.of().parseHex(hex);
    }

    /// The first 8 bytes, big-endian: what stands beside an adapter's weights in memory.
    public long tag() {
        return Long.parseUnsignedLong(hex, 0, 2 * Long.BYTES, 16);
    }

    public boolean isZero() {
        return equals(ZERO);
    }

    /// Orders by bytes, unsigned, which for lower-case hexadecimal digits is the order of the text.
    @Override
    public int compareTo(Digest other) {
        return hex.compareTo(other.hex);
    }

    @Override
    public String toString() {
        return PREFIX + hex;
    }

    static MessageDigest newSha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    private static boolean isLowerHex(int c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    }
}
