package org.openlora.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;

/// Keeps a request's events and checks that they come in a lawful order.
final class RecordingSink implements GenerationSink {
    private final List<GenerationEvent> events = new ArrayList<>();
    private final CountDownLatch ended = new CountDownLatch(1);
    private int unfinished;

    RecordingSink() {
        this(1);
    }

    RecordingSink(int choices) {
        unfinished = choices;
    }

    @Override
    public synchronized void accept(GenerationEvent event) {
        if (ended.getCount() == 0) {
            throw new AssertionError("an event after the end: " + event);
        }
        events.add(event);
        if (event instanceof GenerationEvent.Finished) {
            unfinished--;
        }
        if (unfinished == 0 || event instanceof GenerationEvent.Failed) {
            ended.countDown();
        }
    }

    synchronized List<GenerationEvent> events() {
        return List.copyOf(events);
    }

    int[] tokens() {
        return tokens(0);
    }

    synchronized int[] tokens(int choice) {
        return events.stream()
                .mapMultiToInt((GenerationEvent event, IntConsumer tokens) -> {
                    if (event instanceof GenerationEvent.Delta delta && delta.choice() == choice) {
                        tokens.accept(delta.tokenId());
                    }
                })
                .toArray();
    }

    /// Once all choices have ended.
    GenerationEvent.Finished finished(int choice) {
        awaitFinished();
        return events().stream()
                .filter(GenerationEvent.Finished.class::isInstance)
                .map(GenerationEvent.Finished.class::cast)
                .filter(end -> end.choice() == choice)
                .findFirst()
                .orElseThrow();
    }

    synchronized String text() {
        StringBuilder text = new StringBuilder();
        for (GenerationEvent event : events) {
            switch (event) {
                case GenerationEvent.Delta delta -> text.append(delta.text());
                case GenerationEvent.Finished finished -> text.append(finished.text());
                case GenerationEvent.Started _, GenerationEvent.Attributed _, GenerationEvent.Failed _ -> {}
            }
        }
        return text.toString();
    }

    boolean hasEnded() {
        return ended.getCount() == 0;
    }

    GenerationEvent.Finished awaitFinished() {
        if (awaitEnd() instanceof GenerationEvent.Finished finished) {
            return finished;
        }
        throw new AssertionError("failed: " + events());
    }

    EngineException awaitFailed() {
        if (awaitEnd() instanceof GenerationEvent.Failed(EngineException cause)) {
            return cause;
        }
        throw new AssertionError("did not fail: " + events());
    }

    private GenerationEvent awaitEnd() {
        try {
            if (!ended.await(30, TimeUnit.SECONDS)) {
                throw new AssertionError("no end after 30 s: " + events());
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        return events().getLast();
    }
}
