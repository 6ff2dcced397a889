package org.openlora.meter.evm;

import java.util.HexFormat;

/// Hexadecimal as Ethereum writes it: lower case, `0x` in front.
public final class Hex {
    private static final HexFormat LOWER = HexFormat.of();

    private Hex() {}

    /// `0x` and two lower-case digits for each byte.
    public static String encode(byte[] bytes) {
        return "0x" + LOWER.formatHex(bytes);
    }

    /// Bytes of `0x…` (or bare) hexadecimal of either case.
    ///
    /// @throws IllegalArgumentException naming the text where it is not an even number of hexadecimal digits
    public static byte[] decode(String text) {
        String digits = text.startsWith("0x") ? text.substring(2) : text;
        try {
            return LOWER.parseHex(digits);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("not hexadecimal: " + shortened(text), e);
        }
    }

    static String shortened(String text) {
        return text.length() <= 80 ? text : text.substring(0, 77) + "...";
    }
}
