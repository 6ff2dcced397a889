package org.openlora.benchmarks.anchoring;

import java.util.List;
import java.util.Optional;
import org.openlora.meter.chain.AttemptJournal;
import org.openlora.meter.evm.Bytes32;

/// A journal at whose entries the flusher dies: nothing of its memory survives, only what was written.
record CrashingJournal(AttemptJournal journal, Point point) implements AttemptJournal {
    /// Where it dies.
    enum Point {
        /// The transaction is signed, nothing is written.
        BEFORE_ATTEMPT,
        /// The transaction is written and not sent.
        AFTER_ATTEMPT,
        /// The transaction is sent and mined, nobody has noticed.
        BEFORE_LANDED,
        /// That it landed is written.
        AFTER_LANDED,
        /// It is final, which is not written.
        BEFORE_FINAL,
        /// That it is final is written.
        AFTER_FINAL
    }

    /// Stands for the end of the process.
    static final class Crash extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    private void at(Point reached) {
        if (point == reached) {
            throw new Crash();
        }
    }

    @Override
    public Optional<ChainIdentity> identity() {
        return journal.identity();
    }

    @Override
    public void bind(ChainIdentity identity) {
        journal.bind(identity);
    }

    @Override
    public List<Attempt> attempts(long batchNumber) {
        return journal.attempts(batchNumber);
    }

    @Override
    public void recordAttempt(Attempt attempt) {
        at(Point.BEFORE_ATTEMPT);
        journal.recordAttempt(attempt);
        at(Point.AFTER_ATTEMPT);
    }

    @Override
    public long landedNumber() {
        return journal.landedNumber();
    }

    @Override
    public void recordLanded(long batchNumber, Bytes32 transactionHash) {
        at(Point.BEFORE_LANDED);
        journal.recordLanded(batchNumber, transactionHash);
        at(Point.AFTER_LANDED);
    }

    @Override
    public long finalNumber() {
        return journal.finalNumber();
    }

    @Override
    public void recordFinal(long batchNumber) {
        at(Point.BEFORE_FINAL);
        journal.recordFinal(batchNumber);
        at(Point.AFTER_FINAL);
    }
}
