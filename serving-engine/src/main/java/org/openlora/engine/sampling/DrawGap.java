package org.openlora.engine.sampling;

/// How far a token was from being drawn in the place of another: the smallest change that would have done it.
///
/// @param unit what would have had to change
/// @param size by how much, not negative; infinite for a token that was forbidden
public record DrawGap(Unit unit, double size) {
    /// What a gap is measured in.
    public enum Unit {
        /// The token's logit, where decoding is greedy or the token was cut off before the draw.
        LOGIT,
        /// The uniform number of the draw.
        PROBABILITY
    }

    /// No gap: the token is the one that was drawn.
    static final DrawGap NONE = new DrawGap(Unit.PROBABILITY, 0);

    /// Whether a computation that rounds otherwise may well have drawn the token.
    ///
    /// @param logit largest gap of logits that counts as a tie
    /// @param probability largest gap of the uniform number that counts as a tie
    public boolean isNearTie(double logit, double probability) {
        return size
                <= switch (unit) {
                    case LOGIT -> logit;
                    case PROBABILITY -> probability;
                };
    }
}
