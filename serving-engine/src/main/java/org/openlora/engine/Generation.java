package org.openlora.engine;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterLease;

/// A request on its way through the engine. After [EngineCommand.Submit] the engine thread alone touches it, but for
/// [#finished] and [#failed]: choices are settled on whichever thread made their usage durable.
final class Generation {
    private final GenerationRequest request;
    private final GenerationSink sink;
    private final List<TextStream> texts; // by choice
    private final List<Choice> choices = new ArrayList<>(); // begun and not ended
    private final AtomicInteger unsettled;
    private final AtomicReference<@Nullable EngineException> failure = new AtomicReference<>();
    private @Nullable AdapterLease lease;
    private @Nullable Instant servedFrom;
    private long number;
    private boolean ended;

    /// @param texts one for each choice
    Generation(GenerationRequest request, GenerationSink sink, List<TextStream> texts) {
        this.request = request;
        this.sink = sink;
        this.texts = List.copyOf(texts);
        this.unsettled = new AtomicInteger(request.choices());
    }

    GenerationRequest request() {
        return request;
    }

    TextStream text(int choice) {
        return texts.get(choice);
    }

    /// Place in the order of admission.
    long number() {
        return number;
    }

    void admit(long place) {
        number = place;
    }

    void send(GenerationEvent event) {
        sink.accept(event);
    }

    /// The adapters are resident; held until [#end].
    void start(AdapterLease held, Instant now) {
        lease = held;
        servedFrom = now;
    }

    Instant servedFrom(Instant otherwise) {
        return servedFrom == null ? otherwise : servedFrom;
    }

    /// Choices that were begun and have not ended: none while the adapters load.
    List<Choice> choices() {
        return choices;
    }

    /// Whether its end was decided; late answers to it are dropped.
    boolean ended() {
        return ended;
    }

    void end() {
        ended = true;
        if (lease != null) {
            lease.close();
        }
    }

    /// A choice's usage is durable.
    void finished(GenerationEvent.Finished event) {
        send(event);
        settle(1);
    }

    /// Choices end without a result. Whichever settles the last choice reports the first failure, so that nothing
    /// follows it.
    void failed(int count, EngineException cause) {
        failure.compareAndSet(null, cause);
        settle(count);
    }

    private void settle(int count) {
        EngineException cause = unsettled.addAndGet(-count) == 0 ? failure.get() : null;
        if (cause != null) {
            send(new GenerationEvent.Failed(cause));
        }
    }
}
