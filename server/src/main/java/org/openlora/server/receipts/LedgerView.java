package org.openlora.server.receipts;

import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import org.openlora.meter.Meter;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.ledger.LedgerJournal;
import org.openlora.meter.ledger.LedgerQueries;
import org.openlora.meter.ledger.SealedBatch;

/// What can be done with a ledger besides writing usage: the same whether a meter owns it or a command opened it.
public interface LedgerView {
    LedgerQueries queries();

    /// A sealed batch.
    Optional<SealedBatch> batch(long number);

    /// Waits until what was committed so far is scored; where nobody scores, not at all.
    ///
    /// @throws IllegalStateException where that did not happen in time
    void awaitScored(Duration limit);

    /// Seals the receipts that stand in no batch into the next one, a hundred thousand at most; empty where none does.
    Optional<SealedBatch> seal();

    /// The flusher's memory.
    LedgerJournal journal();

    /// The ledger of a running meter.
    static LedgerView of(Meter meter) {
        return new LedgerView() {
            @Override
            public LedgerQueries queries() {
                return meter.queries();
            }

            @Override
            public Optional<SealedBatch> batch(long number) {
                return meter.batch(number);
            }

            @Override
            public void awaitScored(Duration limit) {
                meter.drain(limit);
            }

            @Override
            public Optional<SealedBatch> seal() {
                return meter.seal();
            }

            @Override
            public LedgerJournal journal() {
                return meter.journal();
            }
        };
    }

    /// A ledger that no meter has open.
    static LedgerView of(Ledger ledger) {
        return new LedgerView() {
            @Override
            public LedgerQueries queries() {
                return ledger.queries();
            }

            @Override
            public Optional<SealedBatch> batch(long number) {
                return ledger.batch(number);
            }

            @Override
            public void awaitScored(Duration limit) {}

            @Override
            public Optional<SealedBatch> seal() {
                return ledger.seal(InstantSource.system().millis());
            }

            @Override
            public LedgerJournal journal() {
                return ledger.journal();
            }
        };
    }
}
