package org.openlora.server.serving;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.openlora.engine.GenerationEvent;
import org.openlora.engine.GenerationSink;
import org.openlora.kernels.BackgroundThread;
import org.openlora.meter.evidence.ProvisionalEvidence;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Attributes answers while they grow, on one thread that gives way to serving. The engine's thread leaves each token
/// in a bounded queue and goes on; where the queue is full, tokens are dropped and counted, and the answer goes on
/// without a guess for them. Nothing that is paid depends on this.
final class ProvisionalAttribution implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(ProvisionalAttribution.class);
    /// Some seconds of a busy server: beyond it a guess comes too late to be of use.
    private static final int MOST_WAITING = 8_192;

    private final BlockingQueue<Step> waiting;
    private final LongAdder looked = new LongAdder();
    private final LongAdder dropped = new LongAdder();
    private final Thread thread;

    /// A token of a watched answer; null to end.
    ///
    /// @param place of the token in its answer
    private record Step(@Nullable Watched answer, int choice, int place, int token) {
        static final Step END = new Step(null, 0, 0, 0);
    }

    ProvisionalAttribution() {
        this(MOST_WAITING);
    }

    /// @param mostWaiting tokens that may wait to be looked at
    ProvisionalAttribution(int mostWaiting) {
        waiting = new ArrayBlockingQueue<>(mostWaiting);
        thread = BackgroundThread.named("provisional-attribution").newThread(this::run);
        thread.start();
    }

    /// Tokens looked at and tokens dropped since the start.
    ProvisionalCounts counts() {
        return new ProvisionalCounts(looked.sum(), dropped.sum());
    }

    /// Watches the answers of a request.
    ///
    /// @param evidence makes what follows one answer; called on this object's thread, because it may open indices
    /// @param sink gets the request's events at once, and attributions between them
    GenerationSink watch(int choices, Supplier<ProvisionalEvidence> evidence, GenerationSink sink) {
        return new Watched(choices, evidence, sink);
    }

    private void run() {
        try {
            for (Step step = waiting.take(); step.answer() != null; step = waiting.take()) {
                step.answer().look(step);
            }
        } catch (InterruptedException e) {
            log.debug("provisional attribution was interrupted", e);
        }
    }

    /// Ends the thread; what still waits is not looked at.
    @Override
    public void close() {
        waiting.clear();
        boolean open = waiting.offer(Step.END);
        while (!open) {
            waiting.clear();
            open = waiting.offer(Step.END);
        }
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private final class Watched implements GenerationSink {
        private final Supplier<ProvisionalEvidence> evidence;
        private final GenerationSink sink;
        // Of the engine's thread.
        private final int[] places;
        private final AtomicInteger unfinished;
        // Of this object's thread.
        private final @Nullable ProvisionalEvidence[] followed;
        private volatile boolean over;

        Watched(int choices, Supplier<ProvisionalEvidence> evidence, GenerationSink sink) {
            this.evidence = evidence;
            this.sink = sink;
            this.places = new int[choices];
            this.followed = new ProvisionalEvidence[choices];
            this.unfinished = new AtomicInteger(choices);
        }

        @Override
        public void accept(GenerationEvent event) {
            switch (event) {
                case GenerationEvent.Started _, GenerationEvent.Attributed _ -> {}
                case GenerationEvent.Delta delta -> leave(delta);
                case GenerationEvent.Finished _ -> finished();
                case GenerationEvent.Failed _ -> over = true;
            }
            sink.accept(event);
        }

        private void finished() {
            if (unfinished.decrementAndGet() == 0) {
                over = true;
            }
        }

        private void leave(GenerationEvent.Delta delta) {
            int place = places[delta.choice()]++;
            if (!over && !waiting.offer(new Step(this, delta.choice(), place, delta.tokenId()))) {
                dropped.increment();
            }
        }

        private void look(Step step) {
            if (over) {
                return;
            }
            try {
                ProvisionalEvidence following = followed[step.choice()];
                if (following == null) {
                    following = evidence.get();
                    followed[step.choice()] = following;
                }
                if (following.size() != step.place()) {
                    following.resume(step.place());
                }
                following
                        .next(step.token())
                        .ifPresent(span -> sink.accept(new GenerationEvent.Attributed(step.choice(), span)));
                looked.increment();
            } catch (RuntimeException e) {
                // A datanet that cannot be searched costs the guesses of this answer and nothing else.
                over = true;
                log.warn("an answer cannot be attributed while it grows: {}", e.getMessage());
            }
        }
    }
}
