package org.openlora.engine.scheduler;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.openlora.engine.scheduler.Sequence.Turn;

/// Sequences that wait for room, and whose turn it is.
///
/// Between tenants, the one that was served least goes first. Within a tenant: whoever was overtaken too often; then
/// the lower priority number; whoever was preempted; the set of adapters that was served least; the earlier
/// deadline; the earlier arrival. Whoever's turn it is waits for its room, and the others behind it: small sequences
/// never keep a large one out.
///
/// A list that is searched: it holds as many as the server admits requests, and a search takes place only when a
/// seat is free.
final class WaitingQueue {
    private final int maxOvertakes;
    private final List<Sequence> waiting = new ArrayList<>(); // in no order

    WaitingQueue(int maxOvertakes) {
        this.maxOvertakes = maxOvertakes;
    }

    void add(Sequence sequence) {
        sequence.turn().overtaken = 0;
        waiting.add(sequence);
    }

    boolean remove(Sequence sequence) {
        return waiting.remove(sequence);
    }

    boolean isEmpty() {
        return waiting.isEmpty();
    }

    int size() {
        return waiting.size();
    }

    List<Sequence> sequences() {
        return waiting;
    }

    /// Whose turn it is; null if nobody waits.
    @Nullable
    Sequence first() {
        Sequence first = null;
        for (int i = 0; i < waiting.size(); i++) {
            Sequence sequence = waiting.get(i);
            if (first == null || before(sequence, first)) {
                first = sequence;
            }
        }
        return first;
    }

    /// Takes out the first; those of its tenant that came before it were overtaken once more.
    void admit(Sequence first) {
        waiting.remove(first);
        Turn turn = first.turn();
        for (int i = 0; i < waiting.size(); i++) {
            Turn other = waiting.get(i).turn();
            if (other.account().tenant() == turn.account().tenant() && other.arrival < turn.arrival) {
                other.overtaken++;
            }
        }
    }

    private boolean before(Sequence left, Sequence right) {
        Turn a = left.turn();
        Turn b = right.turn();
        int tenants = a.account().tenant().order(b.account().tenant());
        if (tenants != 0) {
            return tenants < 0;
        }
        boolean leftOverdue = a.overtaken >= maxOvertakes;
        boolean rightOverdue = b.overtaken >= maxOvertakes;
        if (leftOverdue || rightOverdue) {
            return leftOverdue && (!rightOverdue || a.arrival < b.arrival);
        }
        if (left.terms().priority() != right.terms().priority()) {
            return left.terms().priority() < right.terms().priority();
        }
        if (a.preempted != b.preempted) {
            return a.preempted;
        }
        int adapters = a.account().adapters().order(b.account().adapters());
        if (adapters != 0) {
            return adapters < 0;
        }
        int deadlines = left.terms().deadline().compareTo(right.terms().deadline());
        return deadlines != 0 ? deadlines < 0 : a.arrival < b.arrival;
    }
}
