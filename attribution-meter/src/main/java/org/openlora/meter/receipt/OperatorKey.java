package org.openlora.meter.receipt;

import java.math.BigInteger;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.function.Function;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// The operator's private key. It leaves this class only as signatures and into the hands of who stores it:
/// `toString` shows the address alone.
public final class OperatorKey implements Signer {
    private final byte[] privateKey;
    private final byte[] publicKey;
    private final Address address;

    private OperatorKey(byte[] privateKey) {
        this.privateKey = privateKey;
        this.publicKey = Secp256k1.get().publicKey(privateKey);
        this.address = Secp256k1.address(publicKey);
    }

    /// Reads `0x` (optional) and 64 hexadecimal digits.
    ///
    /// @param origin where the text comes from, for the error message, which never shows the text
    public static OperatorKey parse(String text, String origin) {
        String digits = text.strip();
        if (digits.startsWith("0x")) {
            digits = digits.substring(2);
        }
        if (!digits.matches("[0-9a-fA-F]{64}")) {
            throw new IllegalArgumentException(origin + " must hold a private key of 64 hexadecimal digits");
        }
        return ofBytes(HexFormat.of().parseHex(digits), origin);
    }

    /// The key of these 32 bytes, big-endian.
    ///
    /// @param origin where they come from, for the error message, which never shows them
    public static OperatorKey ofBytes(byte[] key, String origin) {
        if (key.length != Bytes32.SIZE_BYTES || !inRange(key)) {
            throw new IllegalArgumentException(origin + " holds a number outside the order of secp256k1");
        }
        return new OperatorKey(key.clone());
    }

    /// A new key.
    public static OperatorKey random() {
        SecureRandom random = new SecureRandom();
        byte[] key = new byte[Bytes32.SIZE_BYTES];
        do {
            random.nextBytes(key);
        } while (!inRange(key));
        return new OperatorKey(key);
    }

    /// The key of these 64 hexadecimal digits.
    public static OperatorKey ofHex(String text) {
        return parse(text, "operator key");
    }

    @Override
    public Address address() {
        return address;
    }

    @Override
    public Signature sign(Bytes32 digest) {
        return Secp256k1.get().sign(privateKey, publicKey, digest);
    }

    /// What a wrapping makes of the private key, to be stored. The array is wiped afterwards.
    public <T> T wrapped(Function<byte[], T> wrapping) {
        byte[] copy = privateKey.clone();
        try {
            return wrapping.apply(copy);
        } finally {
            Arrays.fill(copy, (byte) 0);
        }
    }

    @Override
    public String toString() {
        return "OperatorKey[" + address + "]";
    }

    private static boolean inRange(byte[] key) {
        BigInteger number = new BigInteger(1, key);
        return number.signum() > 0 && number.compareTo(Signature.ORDER) < 0;
    }
}
