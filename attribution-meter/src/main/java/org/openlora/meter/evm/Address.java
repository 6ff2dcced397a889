package org.openlora.meter.evm;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/// A 20-byte EVM account, equal by content and ordered as unsigned bytes. Text form: the mixed-case checksum of
/// EIP-55.
public record Address(long high, long middle, int low) implements Comparable<Address> {
    public static final int SIZE_BYTES = 20;
    public static final Address ZERO = new Address(0, 0, 0);

    /// @throws IllegalArgumentException unless there are exactly 20 bytes
    public static Address of(byte[] bytes) {
        if (bytes.length != SIZE_BYTES) {
            throw new IllegalArgumentException("an address has 20 bytes, not " + bytes.length);
        }
        return of(bytes, 0);
    }

    /// The 20 bytes that begin at `offset`.
    public static Address of(byte[] bytes, int offset) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes, offset, SIZE_BYTES);
        return new Address(buffer.getLong(), buffer.getLong(), buffer.getInt());
    }

    /// Reads `0x` and 40 hexadecimal digits. Digits all of one case carry no checksum; mixed case must be the
    /// right one.
    ///
    /// @throws IllegalArgumentException naming the text, and the right spelling where only the checksum is wrong
    public static Address parse(String text) {
        if (!text.startsWith("0x") || text.length() != 42) {
            throw new IllegalArgumentException("an address is 0x and 40 hexadecimal digits: " + Hex.shortened(text));
        }
        Address address = of(Hex.decode(text));
        String digits = text.substring(2);
        boolean mixed =
                !digits.equals(digits.toLowerCase(Locale.ROOT)) && !digits.equals(digits.toUpperCase(Locale.ROOT));
        if (mixed && !address.toString().equals(text)) {
            throw new IllegalArgumentException(
                    "wrong EIP-55 checksum in address " + text + ": the same digits are written " + address);
        }
        return address;
    }

    public byte[] bytes() {
        byte[] bytes = new byte[SIZE_BYTES];
        writeTo(bytes, 0);
        return bytes;
    }

    public void writeTo(byte[] target, int offset) {
        ByteBuffer.wrap(target, offset, SIZE_BYTES)
                .putLong(high)
                .putLong(middle)
                .putInt(low);
    }

    public boolean isZero() {
        return (high | middle | low) == 0;
    }

    @Override
    public int compareTo(Address other) {
        int order = Long.compareUnsigned(high, other.high);
        if (order == 0) {
            order = Long.compareUnsigned(middle, other.middle);
        }
        return order != 0 ? order : Integer.compareUnsigned(low, other.low);
    }

    /// The EIP-55 spelling.
    @Override
    public String toString() {
        String lower = Hex.encode(bytes()).substring(2);
        byte[] hash = Keccak256.hashBytes(lower.getBytes(StandardCharsets.US_ASCII));
        StringBuilder text = new StringBuilder(42).append("0x");
        for (int i = 0; i < lower.length(); i++) {
            int nibble = hash[i / 2] >> (i % 2 == 0 ? 4 : 0) & 0xf;
            text.append(nibble >= 8 ? Character.toUpperCase(lower.charAt(i)) : lower.charAt(i));
        }
        return text.toString();
    }
}
