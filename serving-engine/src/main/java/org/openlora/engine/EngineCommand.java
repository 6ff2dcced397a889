package org.openlora.engine;

import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.Digest;

/// What other threads ask of the engine thread.
sealed interface EngineCommand {
    record Submit(Generation generation) implements EngineCommand {}

    record AdaptersReady(Generation generation, AdapterLease lease) implements EngineCommand {}

    record AdaptersFailed(Generation generation, Throwable cause) implements EngineCommand {}

    record Abort(String requestId) implements EngineCommand {}

    /// The weights of an adapter in memory are not, or no longer, its own.
    record Distrust(Digest adapter) implements EngineCommand {}

    /// Ends everything that is open and then the thread.
    record Stop() implements EngineCommand {}
}
