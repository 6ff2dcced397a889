package org.openlora.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/// Runs loads piece by piece, in an order that a seed chooses, no more at once than allowed.
final class SteppedLoads implements Executor {
    private final int mostAtOnce;
    private final List<Runnable> waiting = new ArrayList<>();
    private final List<Fibre> running = new ArrayList<>();

    SteppedLoads(int mostAtOnce) {
        this.mostAtOnce = mostAtOnce;
    }

    @Override
    public synchronized void execute(Runnable load) {
        waiting.add(load);
    }

    /// Lets one load go on by a piece; returns false where there is none.
    boolean step(RandomGenerator random) {
        Fibre next = choose(random);
        if (next == null) {
            return false;
        }
        if (next.resume()) {
            synchronized (this) {
                running.remove(next);
            }
        }
        return true;
    }

    private synchronized @Nullable Fibre choose(RandomGenerator random) {
        boolean mayStart = !waiting.isEmpty() && running.size() < mostAtOnce;
        if (!mayStart && running.isEmpty()) {
            return null;
        }
        if (mayStart && (running.isEmpty() || random.nextBoolean())) {
            running.add(new Fibre(waiting.remove(random.nextInt(waiting.size()))));
            return running.getLast();
        }
        return running.get(random.nextInt(running.size()));
    }
}
