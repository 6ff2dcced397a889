package org.openlora.engine;

import java.util.List;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.meter.receipt.SignedAcknowledgement;

/// What happens to a request, in order: one [Started], any number of [Delta]s, then one [Finished] or [Failed].
/// A request that never starts has only a [Failed].
public sealed interface GenerationEvent {
    /// The adapters are resident and the request waits for its first step.
    record Started(List<AdapterSelection> adapters) implements GenerationEvent {
        public Started {
            adapters = List.copyOf(adapters);
        }
    }

    /// One generated token, and the text that became certain with it: whole code points only, and nothing that
    /// might still turn out to be part of a stop string.
    record Delta(int tokenId, String text) implements GenerationEvent {}

    /// The end, sent only after the usage is durable.
    ///
    /// @param text what was held back until now
    record Finished(FinishReason reason, String text, Usage usage, SignedAcknowledgement acknowledgement)
            implements GenerationEvent {}

    /// The end without a result; nothing is billed.
    record Failed(EngineException cause) implements GenerationEvent {}
}
