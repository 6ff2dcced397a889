package org.openlora.server.http;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// JSON as UTF-8 bytes, written without a tree: what a token costs is copying its text.
///
/// Nothing checks that the whole is well-formed; strings are. For use by one thread at a time.
final class JsonBuffer {
    private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] QUOTE = {'"'};
    private static final int LONGEST_ESCAPE = 6;

    private byte[] bytes = new byte[512];
    private int size;

    /// Empties it and keeps its memory.
    void clear() {
        size = 0;
    }

    boolean isEmpty() {
        return size == 0;
    }

    byte[] toByteArray() {
        return Arrays.copyOf(bytes, size);
    }

    JsonBuffer raw(byte[] json) {
        room(json.length);
        System.arraycopy(json, 0, bytes, size, json.length);
        size += json.length;
        return this;
    }

    /// Characters of ASCII as they stand.
    JsonBuffer raw(String json) {
        return raw(json.getBytes(StandardCharsets.US_ASCII));
    }

    JsonBuffer integer(long value) {
        if (value >= 0 && value <= 9) {
            room(1);
            bytes[size++] = (byte) ('0' + value);
            return this;
        }
        return raw(Long.toString(value));
    }

    /// A number; JSON has none for what is not finite, so that becomes the largest of its sign, and NaN null.
    JsonBuffer number(double value) {
        if (Double.isNaN(value)) {
            return raw("null");
        }
        return raw(Double.toString(Math.clamp(value, -Double.MAX_VALUE, Double.MAX_VALUE)));
    }

    /// A string with its quotes.
    JsonBuffer string(String text) {
        raw(QUOTE);
        text(text);
        return raw(QUOTE);
    }

    /// The inside of a string: quotes, backslashes and control characters escaped, a lone surrogate replaced by U+FFFD.
    JsonBuffer text(String text) {
        int length = text.length();
        room(length * LONGEST_ESCAPE);
        int at = size;
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            if (c < 0x80) {
                at = ascii(c, at);
            } else if (c < 0x800) {
                bytes[at++] = (byte) (0xc0 | (c >> 6));
                bytes[at++] = continuation(c);
            } else if (Character.isHighSurrogate(c) && i + 1 < length && Character.isLowSurrogate(text.charAt(i + 1))) {
                int codePoint = Character.toCodePoint(c, text.charAt(++i));
                bytes[at++] = (byte) (0xf0 | (codePoint >> 18));
                bytes[at++] = continuation(codePoint >> 12);
                bytes[at++] = continuation(codePoint >> 6);
                bytes[at++] = continuation(codePoint);
            } else {
                int whole = Character.isSurrogate(c) ? 0xfffd : c;
                bytes[at++] = (byte) (0xe0 | (whole >> 12));
                bytes[at++] = continuation(whole >> 6);
                bytes[at++] = continuation(whole);
            }
        }
        size = at;
        return this;
    }

    private static byte continuation(int bits) {
        return (byte) (0x80 | (bits & 0x3f));
    }

    private int ascii(char c, int at) {
        if (c >= 0x20 && c != '"' && c != '\\') {
            bytes[at] = (byte) c;
            return at + 1;
        }
        bytes[at] = '\\';
        int shortEscape =
                switch (c) {
                    case '"', '\\' -> c;
                    case '\n' -> 'n';
                    case '\r' -> 'r';
                    case '\t' -> 't';
                    default -> 0;
                };
        if (shortEscape != 0) {
            bytes[at + 1] = (byte) shortEscape;
            return at + 2;
        }
        bytes[at + 1] = 'u';
        bytes[at + 2] = '0';
        bytes[at + 3] = '0';
        bytes[at + 4] = HEX[c >> 4];
        bytes[at + 5] = HEX[c & 15];
        return at + LONGEST_ESCAPE;
    }

    private void room(int more) {
        int needed = Math.addExact(size, more);
        if (needed > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(needed, bytes.length + (bytes.length >> 1)));
        }
    }
}
