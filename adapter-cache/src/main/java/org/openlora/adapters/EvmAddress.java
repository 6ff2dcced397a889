package org.openlora.adapters;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Pattern;
import org.bouncycastle.crypto.digests.KeccakDigest;

/// The text form of an EVM address: `0x` and 40 hexadecimal digits, all lower-case or with the checksum of
/// EIP-55.
final class EvmAddress {
    private static final Pattern FORM = Pattern.compile("0x[0-9a-fA-F]{40}");
    private static final int HASH_BITS = 256;

    private EvmAddress() {}

    static boolean isValid(String address) {
        return FORM.matcher(address).matches()
                && (address.equals(address.toLowerCase(Locale.ROOT)) || address.equals(checksummed(address)));
    }

    /// EIP-55: a digit is upper-case where the Keccak-256 of the lower-case text has a nibble of 8 or more.
    static String checksummed(String address) {
        String digits = address.substring(2).toLowerCase(Locale.ROOT);
        String hash = HexFormat.of().formatHex(keccak256(digits.getBytes(StandardCharsets.US_ASCII)));
        var text = new StringBuilder("0x");
        for (int i = 0; i < digits.length(); i++) {
            char digit = digits.charAt(i);
            text.append(Character.digit(hash.charAt(i), 16) >= 8 ? Character.toUpperCase(digit) : digit);
        }
        return text.toString();
    }

    private static byte[] keccak256(byte[] data) {
        var keccak = new KeccakDigest(HASH_BITS);
        keccak.update(data, 0, data.length);
        var hash = new byte[HASH_BITS / Byte.SIZE];
        keccak.doFinal(hash, 0);
        return hash;
    }
}
