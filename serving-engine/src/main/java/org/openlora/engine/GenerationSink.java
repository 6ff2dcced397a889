package org.openlora.engine;

/// Where a request's events go. Called on the engine's threads, for several choices also by two of them at once:
/// must be safe for that, return at once and never throw.
@FunctionalInterface
public interface GenerationSink {
    void accept(GenerationEvent event);
}
