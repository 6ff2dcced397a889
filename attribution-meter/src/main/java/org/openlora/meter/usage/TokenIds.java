package org.openlora.meter.usage;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/// An immutable sequence of token ids, equal by content. Bytes: each id as u32 little-endian.
public final class TokenIds {
    private final int[] ids;

    private TokenIds(int[] ids) {
        this.ids = ids;
    }

    /// A copy of the ids.
    ///
    /// @throws IllegalArgumentException for a negative id
    public static TokenIds of(int... ids) {
        for (int id : ids) {
            if (id < 0) {
                throw new IllegalArgumentException("a token id must not be negative: " + id);
            }
        }
        return new TokenIds(ids.clone());
    }

    /// Reads what [#bytes] wrote.
    public static TokenIds ofBytes(byte[] bytes) {
        if (bytes.length % Integer.BYTES != 0) {
            throw new IllegalArgumentException("token ids take four bytes each, these are " + bytes.length);
        }
        int[] ids = new int[bytes.length / Integer.BYTES];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(ids);
        return of(ids);
    }

    public int size() {
        return ids.length;
    }

    /// A copy.
    public int[] toArray() {
        return ids.clone();
    }

    public byte[] bytes() {
        ByteBuffer buffer = ByteBuffer.allocate(ids.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        buffer.asIntBuffer().put(ids);
        return buffer.array();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TokenIds that && Arrays.equals(ids, that.ids);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(ids);
    }

    /// Says how many, never which: ids are a prompt.
    @Override
    public String toString() {
        return "TokenIds[" + ids.length + "]";
    }
}
