package org.openlora.server.receipts;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import org.openlora.meter.Meter;
import org.openlora.meter.chain.FlushSource;
import org.openlora.meter.lease.DatabaseLease;
import org.openlora.meter.lease.Fence;
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

    /// The streams of this operator, of all replicas that share the ledger's database.
    ///
    /// @param fence stands before each change of the flusher's memory
    List<FlushSource> flushSources(Fence fence);

    /// The lease on flushing them.
    ///
    /// @param term how long it outlasts a process that died
    DatabaseLease flushLease(String holder, Duration term);

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

            @Override
            public List<FlushSource> flushSources(Fence fence) {
                return meter.flushSources(fence);
            }

            @Override
            public DatabaseLease flushLease(String holder, Duration term) {
                return meter.flushLease(holder, term);
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

            @Override
            public List<FlushSource> flushSources(Fence fence) {
                return ledger.flushSources(fence);
            }

            @Override
            public DatabaseLease flushLease(String holder, Duration term) {
                return ledger.flushLease(holder, term);
            }
        };
    }
}
