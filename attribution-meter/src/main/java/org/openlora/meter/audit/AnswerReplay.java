package org.openlora.meter.audit;

import org.openlora.meter.usage.UsageRow;

/// Draws a recorded answer again.
@FunctionalInterface
public interface AnswerReplay {
    /// No engine is at hand.
    AnswerReplay NONE = (row, replay) -> new Outcome.NotChecked("no model was opened to draw the answer again");

    /// @param row with its token ids
    /// @param replay how the answer was drawn, as the trace store keeps it
    Outcome replay(UsageRow row, String replay);
}
