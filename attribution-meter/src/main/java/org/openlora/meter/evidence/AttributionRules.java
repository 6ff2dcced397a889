package org.openlora.meter.evidence;

/// The numbers of a price book that scoring depends on.
///
/// @param lambdaPpm λ: the part of a covered token that evidence decides, in parts per million
/// @param rarityThresholdBits a match counts from this information content on
/// @param occurrenceCap how many sources of one span are paid; what falls to later ones goes to their datanets'
///     pools
/// @param contributorCapPpm the largest part of one response that evidence may bring one contributor; the rest
///     goes to the datanet's pool
public record AttributionRules(int lambdaPpm, int rarityThresholdBits, int occurrenceCap, int contributorCapPpm) {
    /// Parts in the whole.
    public static final int WHOLE_PPM = 1_000_000;
    /// The greatest rarity threshold.
    public static final int MOST_BITS = 1_000_000;
    /// The greatest occurrence cap.
    public static final int MOST_OCCURRENCES = 1_000_000;

    public AttributionRules {
        requireRange("lambdaPpm", lambdaPpm, 0, WHOLE_PPM);
        requireRange("rarityThresholdBits", rarityThresholdBits, 1, MOST_BITS);
        requireRange("occurrenceCap", occurrenceCap, 1, MOST_OCCURRENCES);
        requireRange("contributorCapPpm", contributorCapPpm, 0, WHOLE_PPM);
    }

    private static void requireRange(String name, int value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(name + " must be from " + least + " to " + most + ", not " + value);
        }
    }
}
