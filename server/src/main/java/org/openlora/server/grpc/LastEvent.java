package org.openlora.server.grpc;

import java.util.function.Predicate;
import org.openlora.engine.GenerationEvent;

/// Tells the last event of an answer: the end of its last choice, or its failure.
final class LastEvent implements Predicate<GenerationEvent> {
    private int unfinished;

    /// @param choices of the answer, each of which ends with an event
    LastEvent(int choices) {
        this.unfinished = choices;
    }

    @Override
    public boolean test(GenerationEvent event) {
        return switch (event) {
            case GenerationEvent.Started _, GenerationEvent.Delta _, GenerationEvent.Attributed _ -> false;
            case GenerationEvent.Finished _ -> --unfinished == 0;
            case GenerationEvent.Failed _ -> true;
        };
    }
}
