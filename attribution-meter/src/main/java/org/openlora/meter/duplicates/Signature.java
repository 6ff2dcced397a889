package org.openlora.meter.duplicates;

import java.util.Arrays;

/// MinHash (Broder 1997) of a set of shingles, folded into bands (Leskovec, Rajaraman, Ullman, chapter 3): two
/// sets of similarity s agree in one band with probability s⁴, and in none of 32 with (1 − s⁴)³² — 1 in 6,500
/// at s = 0.7.
///
/// Hash i of a shingle x is the 32-bit word `a(i) · h(x) + b(i)`, where h(x) is the upper half of `mix(x)`,
/// `a(i)` is odd, and both are upper halves of the SplitMix64 sequence from seed 0: of `mix((2i + 1) · γ)` (its
/// lowest bit set) and `mix((2i + 2) · γ)`. A band is the upper half of `mix(mix(m0 ‖ m1) + (m2 ‖ m3))` over
/// the unsigned minima of its four hashes.
final class Signature {
    /// Bands of a row.
    static final int BANDS = 32;
    /// Minima folded into one band.
    static final int ROWS_PER_BAND = 4;

    private static final int HASHES = BANDS * ROWS_PER_BAND;
    private static final long GAMMA = 0x9e3779b97f4a7c15L;
    private static final int[] FACTORS = new int[HASHES];
    private static final int[] SUMMANDS = new int[HASHES];

    static {
        for (int i = 0; i < HASHES; i++) {
            FACTORS[i] = upper(mix((2L * i + 1) * GAMMA)) | 1;
            SUMMANDS[i] = upper(mix((2L * i + 2) * GAMMA));
        }
    }

    private Signature() {}

    /// The bands of a set, as 32-bit keys.
    ///
    /// @return `[BANDS]`
    static int[] bands(Shingles shingles) {
        int[] minima = new int[HASHES];
        Arrays.fill(minima, Integer.MAX_VALUE);
        for (int s = 0; s < shingles.size(); s++) {
            int hash = upper(mix(shingles.get(s)));
            for (int i = 0; i < HASHES; i++) {
                // Flipping the highest bit makes the signed minimum the unsigned one.
                minima[i] = Math.min(minima[i], (FACTORS[i] * hash + SUMMANDS[i]) ^ Integer.MIN_VALUE);
            }
        }
        int[] bands = new int[BANDS];
        for (int band = 0; band < BANDS; band++) {
            int first = band * ROWS_PER_BAND;
            bands[band] = upper(mix(mix(pair(minima, first)) + pair(minima, first + 2)));
        }
        return bands;
    }

    private static long pair(int[] minima, int first) {
        return unsigned(minima[first]) << Integer.SIZE | unsigned(minima[first + 1]);
    }

    private static long unsigned(int minimum) {
        return Integer.toUnsignedLong(minimum ^ Integer.MIN_VALUE);
    }

    private static int upper(long word) {
        return (int) (word >>> Integer.SIZE);
    }

    /// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
    static long mix(long word) {
        long mixed = (word ^ word >>> 30) * 0xbf58476d1ce4e5b9L;
        mixed = (mixed ^ mixed >>> 27) * 0x94d049bb133111ebL;
        return mixed ^ mixed >>> 31;
    }
}
