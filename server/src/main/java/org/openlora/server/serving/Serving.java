package org.openlora.server.serving;

import java.util.Optional;
import org.openlora.engine.GenerationSink;

/// What the network surfaces need of the stack below them. Every method may be called from any thread.
public interface Serving {
    /// The model that is served.
    ServedModel model();

    /// The token ids of a prompt as the model would read it.
    int[] tokenize(PromptInput prompt);

    /// The text of token ids, special ones as they are written.
    String decode(int... tokens);

    /// Checks and resolves a call, and queues it; its events go to `sink` from then on.
    ///
    /// @throws org.openlora.engine.EngineException if the call cannot be served
    /// @throws org.openlora.adapters.AdapterException if an adapter is not there or cannot be used
    /// @throws IllegalArgumentException if the call makes no sense; the message says why
    Admission submit(GenerationCall call, GenerationSink sink);

    /// Why no requests are taken now, one line; empty while they are.
    Optional<String> refusal();

    /// Calls back whenever [#refusal] may have changed, on any thread.
    void onRefusalChange(Runnable changed);

    /// Ends a request early; one that has ended already is left alone.
    void abort(Admission admission);
}
