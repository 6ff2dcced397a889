package org.openlora.server.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.openlora.engine.EngineException;
import org.openlora.engine.GenerationEvent;

class UnsentEventsTest {
    private static final int MOST = 3;

    private final AtomicBoolean ready = new AtomicBoolean(true);
    private final UnsentEvents<GenerationEvent> unsent = new UnsentEvents<>(MOST, new LastEvent(1), ready::get);

    @Test
    void next_transportReady_isAllThatWaitsInOrder() throws InterruptedException {
        offer(0, 2);

        assertThat(unsent.next()).isEqualTo(new UnsentEvents.Turn.Send<>(List.of(delta(0), delta(1)), false));
        offer(2, 3);
        assertThat(unsent.next()).isEqualTo(new UnsentEvents.Turn.Send<>(List.of(delta(2)), false));
    }

    @Test
    void next_transportFullThenReady_isEveryEventUpToTheBound() throws Exception {
        ready.set(false);
        CompletableFuture<UnsentEvents.Turn<GenerationEvent>> next = waiting();
        offer(0, MOST);
        assertThat(next).isNotDone();

        ready.set(true);
        unsent.wake();

        assertThat(next.get()).isEqualTo(new UnsentEvents.Turn.Send<>(List.of(delta(0), delta(1), delta(2)), false));
    }

    @Test
    void next_oneMoreThanTheBound_isToGiveUpWhateverComes() throws Exception {
        ready.set(false);
        CompletableFuture<UnsentEvents.Turn<GenerationEvent>> next = waiting();
        offer(0, MOST + 1);

        assertThat(next.get()).isEqualTo(new UnsentEvents.Turn.GiveUp<>());
        ready.set(true);
        offer(0, 1);
        assertThat(unsent.next()).isEqualTo(new UnsentEvents.Turn.GiveUp<>());
    }

    @Test
    void offer_halfOfTheRoomTaken_isDroppedAndTheOthersStay() throws InterruptedException {
        UnsentEvents<GenerationEvent> four = new UnsentEvents<>(4, new LastEvent(1), ready::get);
        four.accept(delta(0));
        four.offer(delta(1));
        four.offer(delta(2));
        four.accept(delta(3));

        assertThat(four.next()).isEqualTo(new UnsentEvents.Turn.Send<>(List.of(delta(0), delta(1), delta(3)), false));
    }

    @Test
    void next_lastEvent_isNotHeldBackByTheTransport() throws InterruptedException {
        ready.set(false);
        GenerationEvent failed =
                new GenerationEvent.Failed(new EngineException(EngineException.Code.INTERNAL, "the step failed"));
        offer(0, 1);
        unsent.accept(failed);

        assertThat(unsent.next()).isEqualTo(new UnsentEvents.Turn.Send<>(List.of(delta(0), failed), true));
    }

    @Test
    void next_cancelled_isToStop() throws ExecutionException, InterruptedException {
        CompletableFuture<UnsentEvents.Turn<GenerationEvent>> next = waiting();
        unsent.cancel();

        assertThat(next.get()).isEqualTo(new UnsentEvents.Turn.Stop<>());
        offer(0, 1);
        assertThat(unsent.next()).isEqualTo(new UnsentEvents.Turn.Stop<>());
    }

    /// What the call's thread is told, once it is told.
    private CompletableFuture<UnsentEvents.Turn<GenerationEvent>> waiting() {
        CompletableFuture<UnsentEvents.Turn<GenerationEvent>> next = new CompletableFuture<>();
        Thread.startVirtualThread(() -> {
            try {
                next.complete(unsent.next());
            } catch (InterruptedException e) {
                next.completeExceptionally(e);
            }
        });
        return next;
    }

    private void offer(int from, int to) {
        for (int token = from; token < to; token++) {
            unsent.accept(delta(token));
        }
    }

    private static GenerationEvent delta(int token) {
        return new GenerationEvent.Delta(0, token, "x", null);
    }
}
