package org.openlora.adapters;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import org.erdtman.jcs.JsonCanonicalizer;

/// SHA-256 over length-prefixed parts: `lp(b)` is the length of `b` as eight little-endian bytes, then `b`.
///
/// Every digest of OpenLoRA starts with `lp` of its domain, so digests of different kinds never meet. Not
/// thread-safe.
public final class DigestBuilder {
    // ByteBuffer views of a segment end at 2 GiB; slices of this size do for any tensor.
    private static final long CHUNK_BYTES = 1L << 26;

    private final MessageDigest sha256 = Digest.newSha256();

    /// Starts with `lp(domain)`, for example `openlora/adapter/v1`.
    public DigestBuilder(String domain) {
        lp(domain);
    }

    /// Appends `lp` of the UTF-8 form of `text`.
    public DigestBuilder lp(String text) {
        return lp(text.getBytes(StandardCharsets.UTF_8));
    }

    public DigestBuilder lp(byte[] bytes) {
        return u64(bytes.length).raw(bytes);
    }

    public DigestBuilder lp(MemorySegment bytes) {
        u64(bytes.byteSize());
        for (long start = 0; start < bytes.byteSize(); start += CHUNK_BYTES) {
            long size = Math.min(CHUNK_BYTES, bytes.byteSize() - start);
            sha256.update(bytes.asSlice(start, size).asByteBuffer());
        }
        return this;
    }

    /// Appends `lp` of each value's eight little-endian bytes taken together.
    public DigestBuilder lp(long[] values) {
        var bytes = ByteBuffer.allocate(Math.multiplyExact(values.length, Long.BYTES))
                .order(ByteOrder.LITTLE_ENDIAN);
        bytes.asLongBuffer().put(values);
        return lp(bytes.array());
    }

    /// Appends `lp` of the RFC 8785 canonical form of `json`.
    public DigestBuilder lpJcs(JsonNode json) {
        return lp(jcs(json));
    }

    /// Appends eight little-endian bytes.
    public DigestBuilder u64(long value) {
        for (int shift = 0; shift < Long.SIZE; shift += Byte.SIZE) {
            sha256.update((byte) (value >>> shift));
        }
        return this;
    }

    /// Appends bytes without a length; only for parts whose length the format fixes.
    public DigestBuilder raw(byte[] bytes) {
        sha256.update(bytes);
        return this;
    }

    /// Ends the digest; the builder must not be used again.
    public Digest finish() {
        return Digest.of(sha256.digest());
    }

    /// RFC 8785 canonical JSON, as UTF-8 bytes. Numbers are IEEE 754 doubles: `16.0` and `16` are the same.
    ///
    /// Throws [IllegalArgumentException] where a value has no canonical form (NaN, an unpaired surrogate).
    public static byte[] jcs(JsonNode json) {
        if (!json.isContainerNode()) {
            throw new IllegalArgumentException("canonical JSON is made of an object or an array only");
        }
        try {
            return new JsonCanonicalizer(json.toString()).getEncodedUTF8();
        } catch (IOException e) {
            throw new IllegalArgumentException("no canonical JSON: " + OneLine.reason(e), e);
        }
    }
}
