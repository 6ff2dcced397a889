package org.openlora.engine;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterLease;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A request on its way through the engine. After [EngineCommand.Submit] the engine thread alone touches it, but for
/// [#finished] and [#failed]: choices are settled on whichever thread made their usage durable.
final class Generation {
    private static final Logger log = LoggerFactory.getLogger(Generation.class);

    private final GenerationRequest request;
    private final GenerationSink sink;
    private final List<TextStream> texts; // by choice
    private final List<Choice> choices = new ArrayList<>(); // begun and not ended
    private final AtomicInteger unsettled;
    private final AtomicReference<@Nullable EngineException> failure = new AtomicReference<>();
    private @Nullable CompletableFuture<AdapterLease> awaited;
    private @Nullable AdapterLease lease;
    private @Nullable Instant servedFrom;
    private long number;
    private boolean ended;
    private volatile boolean unheard;

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

    /// After a sink has thrown it gets nothing any more.
    void send(GenerationEvent event) {
        if (unheard) {
            return;
        }
        try {
            sink.accept(event);
        } catch (RuntimeException e) {
            unheard = true;
            log.error(
                    "The sink of request {} threw, against its contract: it gets no more events",
                    request.requestId(),
                    e);
        }
    }

    /// Whether the sink has thrown.
    boolean isUnheard() {
        return unheard;
    }

    /// The adapters were asked for; given up by [#end].
    void await(CompletableFuture<AdapterLease> answer) {
        awaited = answer;
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
        } else if (awaited != null) {
            awaited.cancel(false); // one that was granted meanwhile is on its way, and closed when it comes
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
