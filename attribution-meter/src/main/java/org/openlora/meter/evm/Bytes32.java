package org.openlora.meter.evm;

import java.math.BigInteger;
import java.nio.ByteBuffer;

/// A 32-byte EVM word, held as four big-endian longs so that it is a value: equal by content, immutable, small.
/// Ordered as unsigned bytes. Text form: `0x` and 64 lower-case hexadecimal digits.
public record Bytes32(long word0, long word1, long word2, long word3) implements Comparable<Bytes32> {
    public static final int SIZE_BYTES = 32;
    public static final Bytes32 ZERO = new Bytes32(0, 0, 0, 0);

    /// @throws IllegalArgumentException unless there are exactly 32 bytes
    public static Bytes32 of(byte[] bytes) {
        if (bytes.length != SIZE_BYTES) {
            throw new IllegalArgumentException("a bytes32 has 32 bytes, not " + bytes.length);
        }
        return of(bytes, 0);
    }

    /// The 32 bytes that begin at `offset`.
    public static Bytes32 of(byte[] bytes, int offset) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes, offset, SIZE_BYTES);
        return new Bytes32(buffer.getLong(), buffer.getLong(), buffer.getLong(), buffer.getLong());
    }

    /// The word that holds an unsigned integer, as the ABI encodes `uint256`.
    ///
    /// @throws IllegalArgumentException where the value is negative or needs more than 256 bits
    public static Bytes32 ofUnsigned(BigInteger value) {
        if (value.signum() < 0 || value.bitLength() > 256) {
            throw new IllegalArgumentException("not an unsigned 256-bit integer: " + value);
        }
        long[] words = new long[4];
        for (int i = 0; i < 4; i++) {
            words[3 - i] = value.shiftRight(64 * i).longValue();
        }
        return new Bytes32(words[0], words[1], words[2], words[3]);
    }

    /// Reads `0x` (optional) and 64 hexadecimal digits.
    ///
    /// @throws IllegalArgumentException naming the text
    public static Bytes32 parse(String text) {
        byte[] bytes = Hex.decode(text);
        if (bytes.length != SIZE_BYTES) {
            throw new IllegalArgumentException("a bytes32 has 64 hexadecimal digits: " + Hex.shortened(text));
        }
        return of(bytes, 0);
    }

    public byte[] bytes() {
        byte[] bytes = new byte[SIZE_BYTES];
        writeTo(bytes, 0);
        return bytes;
    }

    public void writeTo(byte[] target, int offset) {
        ByteBuffer.wrap(target, offset, SIZE_BYTES)
                .putLong(word0)
                .putLong(word1)
                .putLong(word2)
                .putLong(word3);
    }

    public boolean isZero() {
        return (word0 | word1 | word2 | word3) == 0;
    }

    /// The word read as `uint256`.
    public BigInteger toUnsigned() {
        return new BigInteger(1, bytes());
    }

    @Override
    public int compareTo(Bytes32 other) {
        int order = Long.compareUnsigned(word0, other.word0);
        if (order == 0) {
            order = Long.compareUnsigned(word1, other.word1);
        }
        if (order == 0) {
            order = Long.compareUnsigned(word2, other.word2);
        }
        return order != 0 ? order : Long.compareUnsigned(word3, other.word3);
    }

    @Override
    public String toString() {
        return Hex.encode(bytes());
    }
}
