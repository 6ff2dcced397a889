package org.openlora.engine;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.openlora.engine.sampling.TokenLogprobs;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.meter.evidence.ProvisionalSpan;
import org.openlora.meter.receipt.SignedAcknowledgement;

/// What happens to a request: one [Started], then for each of its choices any number of [Delta]s and one
/// [Finished]; the choices' events interleave. The request is over with the [Finished] of its last choice, or with
/// one [Failed], which is always the last event: the choices that had not finished by then never will.
/// A request that never starts has only a [Failed]. Between a choice's deltas there may be [Attributed]s, from
/// whoever watches the answer beside the engine; they may be missing, and come late.
public sealed interface GenerationEvent {
    /// The adapters are resident and the request waits for its first step.
    record Started(List<AdapterSelection> adapters) implements GenerationEvent {
        public Started {
            adapters = List.copyOf(adapters);
        }
    }

    /// One generated token, and the text that became certain with it: whole code points only, and nothing that
    /// might still turn out to be part of a stop string.
    ///
    /// @param choice which of the request's answers, from 0
    /// @param logprobs null where the request asks for none
    record Delta(
            int choice, int tokenId, String text, @Nullable TokenLogprobs logprobs) implements GenerationEvent {}

    /// A first guess at whose text the newest tokens are. Provisional: the receipt looks at the whole answer.
    ///
    /// @param choice which of the request's answers, from 0
    record Attributed(int choice, ProvisionalSpan span) implements GenerationEvent {}

    /// The end of one choice, sent only after its usage is durable.
    ///
    /// @param choice which of the request's answers, from 0
    /// @param text what was held back until now
    record Finished(int choice, FinishReason reason, String text, Usage usage, SignedAcknowledgement acknowledgement)
            implements GenerationEvent {}

    /// The end without a result: choices that have not finished are not billed.
    record Failed(EngineException cause) implements GenerationEvent {}
}
