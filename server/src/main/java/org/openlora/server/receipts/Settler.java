package org.openlora.server.receipts;

import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.openlora.meter.ledger.SealedBatch;
import org.openlora.server.problem.Problem;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Keeps a running server's promises: seals receipts at an interval and brings sealed batches to the chain, on a thread
/// of its own. A chain that does not answer costs a warning and a later try; nothing that serves waits for it.
public final class Settler implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Settler.class);
    private static final Duration SCORING_LIMIT = Duration.ofSeconds(30);
    private static final Duration LONGEST_BACKOFF = Duration.ofHours(1);
    /// What a round in hand gets to end before it is interrupted, and then once more.
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final LedgerView ledger;
    private final Settlement settlement;
    private final Chain chain;
    private final Duration interval;
    private final CountDownLatch ending = new CountDownLatch(1);
    private final Thread thread;
    // Of the thread that runs rounds alone.
    private int failures;
    private long roundsToSkip;

    /// Where batches go.
    @FunctionalInterface
    public interface Chain {
        /// Commits every sealed batch up to this one.
        ///
        /// @return whether there is a chain
        /// @throws RuntimeException where it does not answer or refuses
        boolean anchor(long batchNumber);

        /// Looks what became of batches that have landed.
        ///
        /// @throws RuntimeException where it does not answer or refuses
        default void look() {}
    }

    Settler(LedgerView ledger, Chain chain, Duration interval) {
        this.ledger = ledger;
        this.settlement = new Settlement(ledger);
        this.chain = chain;
        this.interval = interval;
        this.thread = Thread.ofPlatform().daemon().name("openlora-settler").unstarted(this::run);
    }

    /// Starts to settle.
    ///
    /// @param interval between two rounds; zero for no rounds, only the sealing at the end
    public static Settler start(LedgerView ledger, Chain chain, Duration interval) {
        Settler settler = new Settler(ledger, chain, interval);
        if (!interval.isZero()) {
            settler.thread.start();
        }
        return settler;
    }

    private void run() {
        try {
            while (!ending.await(interval.toMillis(), TimeUnit.MILLISECONDS)) {
                round();
            }
        } catch (InterruptedException e) {
            log.debug("a round was interrupted; what it left is settled at the next start", e);
        }
    }

    /// Seals, and anchors where there is something to anchor and no failure to wait out.
    void round() {
        try {
            seal();
            anchor();
        } catch (RuntimeException e) {
            // The thread must outlive it: the next round may find the disk writable again.
            log.warn("receipts could not be sealed: {}; check the ledger's folder", Problem.describe(e));
            log.debug("sealing failed", e);
        }
    }

    private void seal() {
        try {
            ledger.awaitScored(SCORING_LIMIT);
        } catch (IllegalStateException e) {
            log.warn("sealing without what is not scored yet: {}; the next round takes it", Problem.describe(e));
        }
        for (SealedBatch batch : settlement.seal()) {
            log.info(
                    "sealed {} receipts in batch {}",
                    batch.header().count(),
                    batch.header().number());
        }
    }

    private void anchor() {
        OptionalLong waiting = settlement.unanchored();
        if (waiting.isEmpty()) {
            look();
            return;
        }
        if (roundsToSkip > 0) {
            roundsToSkip--;
            return;
        }
        long batch = waiting.getAsLong();
        try {
            if (chain.anchor(batch)) {
                failures = 0;
                log.info("batch {} and all before it are on the chain", batch);
            } else {
                postpone(batch, "no chain could be started", "install Node.js 20 or newer, or set chain.endpoint");
            }
        } catch (Problem e) {
            log.debug("anchoring failed", e);
            postpone(batch, e.what(), e.remedy());
        } catch (RuntimeException e) {
            log.debug("anchoring failed", e);
            postpone(batch, Problem.describe(e), "check chain.endpoint and the operator's balance there");
        }
    }

    private void look() {
        if (!settlement.awaitsFinality()) {
            return;
        }
        try {
            chain.look();
        } catch (RuntimeException e) {
            log.debug("the chain could not be looked at; the next round tries again", e);
        }
    }

    /// Twice as long after each failure.
    private void postpone(long batch, String what, String remedy) {
        long most = Math.max(1, LONGEST_BACKOFF.dividedBy(interval));
        long rounds = Math.min(1L << Math.min(failures, 30), most);
        failures++;
        roundsToSkip = rounds - 1;
        log.warn(
                "batch {} is sealed but not anchored: {}; {}; trying again in {} s",
                batch,
                what,
                remedy,
                interval.multipliedBy(rounds).toSeconds());
    }

    /// Ends the rounds and seals what has been scored, so that no receipt waits for the next start.
    @Override
    public void close() {
        ending.countDown();
        if (!interval.isZero()) {
            endRounds();
        }
        seal();
    }

    private void endRounds() {
        try {
            thread.join(PATIENCE);
            if (thread.isAlive()) {
                thread.interrupt();
                thread.join(PATIENCE);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
