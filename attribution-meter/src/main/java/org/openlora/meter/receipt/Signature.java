package org.openlora.meter.receipt;

import java.math.BigInteger;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Hex;

/// A recoverable secp256k1 signature in the one form that every verifier here accepts: low `s` (EIP-2), `v` 27 or
/// 28. Bytes: r ‖ s ‖ v, 65 of them.
public record Signature(Bytes32 r, Bytes32 s, int v) {
    public static final int SIZE_BYTES = 65;
    static final BigInteger ORDER =
            new BigInteger("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16);
    private static final Bytes32 ORDER_WORD = Bytes32.ofUnsigned(ORDER);
    private static final Bytes32 HALF_ORDER_WORD = Bytes32.ofUnsigned(ORDER.shiftRight(1));

    public Signature {
        if (v != 27 && v != 28) {
            throw new IllegalArgumentException("signature v must be 27 or 28: " + v);
        }
        if (r.isZero() || r.compareTo(ORDER_WORD) >= 0) {
            throw new IllegalArgumentException("signature r is out of range: " + r);
        }
        if (s.isZero() || s.compareTo(HALF_ORDER_WORD) > 0) {
            throw new IllegalArgumentException("signature s is out of range or not the low one: " + s);
        }
    }

    /// @throws IllegalArgumentException unless the bytes are r ‖ s ‖ v in the accepted form
    public static Signature of(byte[] bytes) {
        if (bytes.length != SIZE_BYTES) {
            throw new IllegalArgumentException("a signature has 65 bytes, not " + bytes.length);
        }
        return new Signature(Bytes32.of(bytes, 0), Bytes32.of(bytes, 32), bytes[64] & 0xff);
    }

    public byte[] bytes() {
        byte[] bytes = new byte[SIZE_BYTES];
        r.writeTo(bytes, 0);
        s.writeTo(bytes, 32);
        bytes[64] = (byte) v;
        return bytes;
    }

    @Override
    public String toString() {
        return Hex.encode(bytes());
    }
}
