package org.openlora.server.grpc;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.openlora.engine.GenerationEvent;
import org.openlora.engine.GenerationSink;

/// The events of one answer that wait for its client.
///
/// The engine's threads leave events and go on. The call's thread takes all that wait, sends them, and takes the next
/// ones when the transport has room again: a client that reads slowly makes fewer, larger turns. One that does not read
/// at all fills the bound; then what waits is dropped and the call's thread is told to give up.
final class UnsentEvents implements GenerationSink {
    private final int most;
    private final BooleanSupplier ready;

    // Guarded by this.
    private List<GenerationEvent> waiting = new ArrayList<>();
    private int unfinished;
    private State state = State.OPEN;

    private enum State {
        OPEN,
        /// The last event has come. It and the others before it are sent whether or not there is room: that is bounded.
        ENDED,
        OVERFLOWN,
        CANCELLED
    }

    /// What the call's thread does next.
    sealed interface Turn {
        /// @param events at least one, in their order
        /// @param last whether no more will come
        record Send(List<GenerationEvent> events, boolean last) implements Turn {}

        /// The client does not read.
        record GiveUp() implements Turn {}

        /// The client is gone.
        record Stop() implements Turn {}
    }

    /// @param most events that may wait
    /// @param choices of the answer, each of which ends with an event
    /// @param ready whether the transport has room; [#wake] tells when that may have changed
    UnsentEvents(int most, int choices, BooleanSupplier ready) {
        this.most = most;
        this.unfinished = choices;
        this.ready = ready;
    }

    /// Never waits for the client.
    @Override
    public synchronized void accept(GenerationEvent event) {
        if (state != State.OPEN) {
            return;
        }
        if (waiting.size() == most) {
            close(State.OVERFLOWN);
            return;
        }
        waiting.add(event);
        boolean last =
                switch (event) {
                    case GenerationEvent.Started _, GenerationEvent.Delta _ -> false;
                    case GenerationEvent.Finished _ -> --unfinished == 0;
                    case GenerationEvent.Failed _ -> true;
                };
        if (last) {
            state = State.ENDED;
        }
        notifyAll();
    }

    /// The transport may have room again.
    synchronized void wake() {
        notifyAll();
    }

    /// The client is gone.
    synchronized void cancel() {
        close(State.CANCELLED);
    }

    private void close(State end) {
        state = end;
        waiting = List.of();
        notifyAll();
    }

    /// Waits until there is something to do.
    synchronized Turn next() throws InterruptedException {
        while (state == State.OPEN && (waiting.isEmpty() || !ready.getAsBoolean())) {
            wait();
        }
        return switch (state) {
            case OPEN, ENDED -> {
                List<GenerationEvent> events = waiting;
                waiting = new ArrayList<>();
                yield new Turn.Send(events, state == State.ENDED);
            }
            case OVERFLOWN -> new Turn.GiveUp();
            case CANCELLED -> new Turn.Stop();
        };
    }
}
