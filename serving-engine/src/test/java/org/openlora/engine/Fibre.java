package org.openlora.engine;

import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/// A task on a thread of its own that runs only while somebody waits for it in [#resume]: several can be half-way at
/// once, and which goes on next is the caller's choice.
final class Fibre {
    private static final ThreadLocal<Fibre> CURRENT = new ThreadLocal<>();

    private final Semaphore turn = new Semaphore(0);
    private final Semaphore handedBack = new Semaphore(0);
    private volatile boolean ended;
    private volatile @Nullable Throwable failure;

    Fibre(Runnable task) {
        Thread.startVirtualThread(() -> {
            turn.acquireUninterruptibly();
            CURRENT.set(this);
            try {
                task.run();
            } catch (RuntimeException | Error e) {
                failure = e;
            }
            ended = true;
            handedBack.release();
        });
    }

    /// Hands control back to whoever resumed this thread's fibre; does nothing outside of fibres.
    static void pause() {
        Fibre current = CURRENT.get();
        if (current != null) {
            current.handedBack.release();
            current.turn.acquireUninterruptibly();
        }
    }

    /// Lets it go on to its next pause.
    ///
    /// @return whether it has ended
    boolean resume() {
        turn.release();
        handedBack.acquireUninterruptibly();
        if (failure != null) {
            throw new AssertionError("a load ended with what it should have handled", failure);
        }
        return ended;
    }
}
