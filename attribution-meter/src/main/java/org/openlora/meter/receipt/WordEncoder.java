package org.openlora.meter.receipt;

import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;

/// `abi.encode` of static members: one 32-byte big-endian word after the other.
final class WordEncoder {
    private final byte[] words;
    private int offset;

    WordEncoder(int wordCount) {
        words = new byte[wordCount * Bytes32.SIZE_BYTES];
    }

    WordEncoder word(Bytes32 value) {
        value.writeTo(words, offset);
        offset += Bytes32.SIZE_BYTES;
        return this;
    }

    WordEncoder address(Address value) {
        value.writeTo(words, offset + Bytes32.SIZE_BYTES - Address.SIZE_BYTES);
        offset += Bytes32.SIZE_BYTES;
        return this;
    }

    /// `uint8` to `uint64`: the long's bits, zero-extended.
    WordEncoder unsigned(long value) {
        return word(new Bytes32(0, 0, 0, value));
    }

    /// `int32`: sign-extended.
    WordEncoder signed(int value) {
        long sign = value < 0 ? -1 : 0;
        return word(new Bytes32(sign, sign, sign, value));
    }

    Bytes32 hash() {
        if (offset != words.length) {
            throw new IllegalStateException("encoded " + offset + " of " + words.length + " bytes");
        }
        return Keccak256.hash(words);
    }
}
