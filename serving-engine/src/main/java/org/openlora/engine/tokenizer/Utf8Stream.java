package org.openlora.engine.tokenizer;

/// Decodes UTF-8 that comes in pieces. Each longest prefix of a character that turns out malformed becomes one
/// U+FFFD, the Unicode standard's "substitution of maximal subparts" as Rust's `from_utf8_lossy` does it; Java's
/// decoder splits some of them differently.
final class Utf8Stream {
    private static final char REPLACEMENT = '\ufffd';

    /// The code point so far, and how many bytes it still wants, of which the next must lie within the bounds.
    private int codePoint;

    private int wanted;
    private int lowest;
    private int highest;

    void add(byte[] bytes, StringBuilder text) {
        for (byte signed : bytes) {
            int value = signed & 0xff;
            if (wanted > 0 && value >= lowest && value <= highest) {
                continueCharacter(value, text);
            } else {
                finish(text);
                startCharacter(value, text);
            }
        }
    }

    /// Ends the text: a character that is not whole is malformed.
    void finish(StringBuilder text) {
        if (wanted > 0) {
            text.append(REPLACEMENT);
            wanted = 0;
        }
    }

    private void continueCharacter(int value, StringBuilder text) {
        codePoint = codePoint << 6 | (value & 0x3f);
        lowest = 0x80;
        highest = 0xbf;
        if (--wanted == 0) {
            text.appendCodePoint(codePoint);
        }
    }

    /// The bounds of a second byte keep out overlong forms, surrogates and what lies beyond U+10FFFF.
    private void startCharacter(int value, StringBuilder text) {
        if (value < 0x80) {
            text.append((char) value);
        } else if (value >= 0xc2 && value <= 0xdf) {
            expect(1, value & 0x1f, 0x80, 0xbf);
        } else if (value >= 0xe0 && value <= 0xef) {
            expect(2, value & 0x0f, value == 0xe0 ? 0xa0 : 0x80, value == 0xed ? 0x9f : 0xbf);
        } else if (value >= 0xf0 && value <= 0xf4) {
            expect(3, value & 0x07, value == 0xf0 ? 0x90 : 0x80, value == 0xf4 ? 0x8f : 0xbf);
        } else {
            text.append(REPLACEMENT);
        }
    }

    private void expect(int bytes, int bits, int from, int to) {
        wanted = bytes;
        codePoint = bits;
        lowest = from;
        highest = to;
    }
}
