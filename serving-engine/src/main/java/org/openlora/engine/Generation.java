package org.openlora.engine;

import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.openlora.engine.scheduler.Sequence;

/// A request on its way through the engine. After [EngineCommand.Submit] the engine thread alone touches it.
final class Generation {
    private final GenerationRequest request;
    private final GenerationSink sink;
    private final TextStream text;
    private @Nullable Sequence sequence;
    private @Nullable Instant servedFrom;
    private boolean ended;

    Generation(GenerationRequest request, GenerationSink sink, TextStream text) {
        this.request = request;
        this.sink = sink;
        this.text = text;
    }

    GenerationRequest request() {
        return request;
    }

    TextStream text() {
        return text;
    }

    void send(GenerationEvent event) {
        sink.accept(event);
    }

    /// Null until the adapters are resident.
    @Nullable
    Sequence sequence() {
        return sequence;
    }

    void start(Sequence started, Instant now) {
        sequence = started;
        servedFrom = now;
    }

    Instant servedFrom(Instant otherwise) {
        return servedFrom == null ? otherwise : servedFrom;
    }

    /// Whether its end was decided; late answers to it are dropped.
    boolean ended() {
        return ended;
    }

    void end() {
        ended = true;
    }
}
