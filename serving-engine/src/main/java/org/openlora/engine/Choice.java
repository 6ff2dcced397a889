package org.openlora.engine;

import org.openlora.engine.scheduler.Sequence;

/// One answer of a request while it is being generated. Owned by the engine thread.
///
/// @param index which of the request's answers, from 0
/// @param served by which weights its tokens were
record Choice(Generation generation, int index, Sequence sequence, ServedTokens served) {
    Choice(Generation generation, int index, Sequence sequence) {
        this(generation, index, sequence, new ServedTokens());
    }

    TextStream text() {
        return generation.text(index);
    }

    /// Whether the request's other answers begin where this one's prompt is computed.
    boolean isParent() {
        return index == 0 && generation.request().choices() > 1;
    }
}
