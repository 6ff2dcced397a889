package org.openlora.engine.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// GPT-2's alphabet: each byte as one printable character, so that any bytes can be a token's name.
final class ByteLevel {
    private static final int[] BYTE_OF_CHARACTER = bytesOfCharacters();

    private ByteLevel() {}

    /// The bytes of a token's name. A name with a character outside the alphabet (an added token's, as it stands
    /// in text) is its own UTF-8.
    static byte[] bytes(String token) {
        byte[] bytes = new byte[token.length()];
        for (int i = 0; i < bytes.length; i++) {
            char character = token.charAt(i);
            int value = character < BYTE_OF_CHARACTER.length ? BYTE_OF_CHARACTER[character] : -1;
            if (value < 0) {
                return token.getBytes(StandardCharsets.UTF_8);
            }
            bytes[i] = (byte) value;
        }
        return bytes;
    }

    /// Printable Latin-1 stands for itself; the other bytes are numbered from U+0100 on.
    private static int[] bytesOfCharacters() {
        int[] bytes = new int[512];
        Arrays.fill(bytes, -1);
        int next = 256;
        for (int value = 0; value < 256; value++) {
            boolean printable = (value >= '!' && value <= '~') || (value >= 0xa1 && value <= 0xff && value != 0xad);
            bytes[printable ? value : next++] = value;
        }
        return bytes;
    }
}
