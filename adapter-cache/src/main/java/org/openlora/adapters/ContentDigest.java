package org.openlora.adapters;

import com.fasterxml.jackson.databind.JsonNode;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// The identity of a set of named tensors with their configuration, whatever files they lie in:
///
/// `SHA256( lp(domain) ‖ lp(JCS(config)) ‖ u64le(tensor count) ‖ for each tensor: lp(name) ‖ lp(dtype) ‖
/// lp(shape) ‖ lp(raw bytes) )`
///
/// with the tensors in the byte order of their UTF-8 names, which [#tensor] checks. Not thread-safe.
public final class ContentDigest {
    private final DigestBuilder digest;
    private final long tensorCount;
    private long seen;
    private @Nullable String lastName;

    public ContentDigest(String domain, JsonNode config, long tensorCount) {
        this.digest = new DigestBuilder(domain).lpJcs(config).u64(tensorCount);
        this.tensorCount = tensorCount;
    }

    /// Adds the next tensor as stored: `dtype` is the storage format's own name of it (`BF16`, `Q4_1`).
    public ContentDigest tensor(String name, String dtype, long[] shape, MemorySegment rawBytes) {
        if (lastName != null && Utf8.BYTE_ORDER.compare(lastName, name) >= 0) {
            throw new IllegalArgumentException("tensor " + name + " after " + lastName + ": names must ascend");
        }
        lastName = name;
        seen++;
        digest.lp(name).lp(dtype).lp(shape).lp(rawBytes);
        return this;
    }

    public Digest finish() {
        if (seen != tensorCount) {
            throw new IllegalStateException(seen + " tensors were digested, " + tensorCount + " announced");
        }
        return digest.finish();
    }
}
