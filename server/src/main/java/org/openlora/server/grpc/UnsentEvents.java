package org.openlora.server.grpc;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/// The events of one call that wait for its client.
///
/// Those who make events leave them here and go on. The call's thread takes all that wait, sends them, and
/// takes the next ones when the transport has room again: a client that reads slowly makes fewer, larger
/// turns. One that does not read at all fills the bound; then what waits is dropped and the call's thread is
/// told to give up.
final class UnsentEvents<E> {
    private final int most;
    private final Predicate<E> last;
    private final BooleanSupplier ready;

    // Guarded by this.
    private List<E> waiting = new ArrayList<>();
    private State state = State.OPEN;

    private enum State {
        OPEN,
        /// The last event has come. It and the others before it are sent whether or not there is room: that
        /// is bounded.
        ENDED,
        OVERFLOWN,
        CANCELLED
    }

    /// What the call's thread does next.
    sealed interface Turn<E> {
        /// @param events at least one, in their order
        /// @param last whether no more will come
        record Send<E>(List<E> events, boolean last) implements Turn<E> {}

        /// The client does not read.
        record GiveUp<E>() implements Turn<E> {}

        /// The client is gone.
        record Stop<E>() implements Turn<E> {}
    }

    /// @param most events that may wait
    /// @param last asked once for each event, in their order: whether it ends the call
    /// @param ready whether the transport has room; [#wake] tells when that may have changed
    UnsentEvents(int most, Predicate<E> last, BooleanSupplier ready) {
        this.most = most;
        this.last = last;
        this.ready = ready;
    }

    /// Never waits for the client.
    synchronized void accept(E event) {
        if (state != State.OPEN) {
            return;
        }
        if (waiting.size() == most) {
            close(State.OVERFLOWN);
            return;
        }
        waiting.add(event);
        if (last.test(event)) {
            state = State.ENDED;
        }
        notifyAll();
    }

    /// Takes an event that a client that reads slowly goes without: half of what may wait is kept for the others.
    synchronized void offer(E event) {
        if (waiting.size() < most / 2) {
            accept(event);
        }
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
    synchronized Turn<E> next() throws InterruptedException {
        while (state == State.OPEN && (waiting.isEmpty() || !ready.getAsBoolean())) {
            wait();
        }
        return switch (state) {
            case OPEN, ENDED -> {
                List<E> events = waiting;
                waiting = new ArrayList<>();
                yield new Turn.Send<>(events, state == State.ENDED);
            }
            case OVERFLOWN -> new Turn.GiveUp<>();
            case CANCELLED -> new Turn.Stop<>();
        };
    }
}
