package org.openlora.meter.duplicates;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// The set of all runs of eight consecutive bytes of a text, normalised and in UTF-8, each as one 64-bit word
/// (its first byte lowest): comparing words is comparing bytes, nothing is hashed. A text of fewer bytes is one
/// shingle, filled up with zeros.
///
/// Normalising makes each run of ASCII white space (0x09–0x0d, 0x20) one space, trims the ends and lowers A–Z.
/// No tokenizer and no Unicode version enters, so the set of a text never changes.
public final class Shingles {
    /// Bytes in a shingle.
    public static final int LENGTH_BYTES = Long.BYTES;

    private final long[] sorted; // ascending, each once

    private Shingles(long[] sorted) {
        this.sorted = sorted;
    }

    /// The shingles of a text.
    public static Shingles of(String text) {
        byte[] bytes = normalised(text);
        long[] words = new long[Math.max(1, bytes.length - LENGTH_BYTES + 1)];
        long word = 0;
        for (int i = 0; i < Math.min(bytes.length, LENGTH_BYTES); i++) {
            word |= (bytes[i] & 0xffL) << (Byte.SIZE * i);
        }
        words[0] = word;
        for (int i = 1; i < words.length; i++) {
            word = word >>> Byte.SIZE | (long) bytes[i + LENGTH_BYTES - 1] << (Long.SIZE - Byte.SIZE);
            words[i] = word;
        }
        Arrays.sort(words);
        int distinct = 1;
        for (int i = 1; i < words.length; i++) {
            if (words[i] != words[i - 1]) {
                words[distinct++] = words[i];
            }
        }
        return new Shingles(Arrays.copyOf(words, distinct));
    }

    /// The text that shingles are cut from, in UTF-8.
    public static byte[] normalised(String text) {
        StringBuilder out = new StringBuilder(text.length());
        boolean gap = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == ' ' || (c >= '\t' && c <= '\r')) {
                gap = true;
                continue;
            }
            if (gap && !out.isEmpty()) {
                out.append(' ');
            }
            gap = false;
            out.append(c >= 'A' && c <= 'Z' ? (char) (c + 32) : c);
        }
        return out.toString().getBytes(StandardCharsets.UTF_8);
    }

    /// How many there are; at least one.
    public int size() {
        return sorted.length;
    }

    long get(int place) {
        return sorted[place];
    }

    /// How many this set shares with another.
    public int shared(Shingles other) {
        int shared = 0;
        int here = 0;
        int there = 0;
        while (here < sorted.length && there < other.sorted.length) {
            int order = Long.compare(sorted[here], other.sorted[there]);
            if (order == 0) {
                shared++;
            }
            here += order <= 0 ? 1 : 0;
            there += order >= 0 ? 1 : 0;
        }
        return shared;
    }

    /// Whether at least seven tenths of the two sets' union are in both (Jaccard similarity, exactly).
    public boolean isNear(Shingles other) {
        // The smaller set bounds what can be shared.
        if ((long) NearDuplicates.NEAR_OF * Math.min(size(), other.size())
                < (long) NearDuplicates.NEAR_PARTS * Math.max(size(), other.size())) {
            return false;
        }
        long shared = shared(other);
        return NearDuplicates.NEAR_OF * shared >= NearDuplicates.NEAR_PARTS * ((long) size() + other.size() - shared);
    }
}
