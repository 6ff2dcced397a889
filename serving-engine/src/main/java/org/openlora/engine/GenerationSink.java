package org.openlora.engine;

/// Where a request's events go. Called on the engine's threads: must return at once and never throw.
@FunctionalInterface
public interface GenerationSink {
    void accept(GenerationEvent event);
}
