package org.openlora.engine;

import java.util.List;
import org.openlora.engine.sampling.DrawGap;

/// What came of drawing a recorded answer again, each token behind the recorded ones before it.
///
/// @param positions tokens that were drawn again
/// @param disagreements where another token was drawn than is recorded, by position
/// @param ending whether the answer ended where it had to
public record Replay(int positions, List<Disagreement> disagreements, Ending ending) {
    public Replay {
        disagreements = List.copyOf(disagreements);
    }

    /// Whether the answer stands the other side of an end.
    public enum Ending {
        /// Its end follows from its last token, its length, or from outside: a cancelled call.
        HOLDS,
        /// It goes on behind a token that had to end it.
        WENT_ON,
        /// It is said to have been stopped, and nothing in it stops it.
        CUT_SHORT
    }

    /// One token that was drawn otherwise.
    ///
    /// @param position in the answer, from 0
    /// @param gap how little would have had to change for the recorded token to be drawn
    public record Disagreement(int position, int recorded, int drawn, DrawGap gap) {}

    /// Whether every token was drawn again and the end is right.
    public boolean isExact() {
        return disagreements.isEmpty() && ending == Ending.HOLDS;
    }
}
