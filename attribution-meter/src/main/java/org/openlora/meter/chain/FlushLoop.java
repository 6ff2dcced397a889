package org.openlora.meter.chain;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import org.openlora.meter.chain.BatchFlusher.Action;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Repeats looks at the chain until what was to be done is done.
final class FlushLoop {
    private static final Logger LOG = LoggerFactory.getLogger(FlushLoop.class);

    private FlushLoop() {}

    record Look(boolean done, Action action) {}

    /// @param what names what is waited for, for the error message
    /// @throws ChainException.Failed where it is not done within the limit, with the last trouble as its reason
    /// @throws ChainException.Halted at once
    static void run(Duration limit, FlushPolicy policy, Supplier<Look> step, String what) {
        long deadline = System.nanoTime() + limit.toNanos();
        String trouble = "nothing was tried yet";
        int failures = 0;
        while (System.nanoTime() < deadline) {
            try {
                Look look = step.get();
                if (look.done()) {
                    return;
                }
                trouble = trouble(look.action());
                failures = 0;
            } catch (ChainException.Unreachable | ChainException.Refused e) {
                LOG.debug("flush step failed; trying again", e);
                trouble = String.valueOf(e.getMessage());
                failures++;
            }
            Pause.of(backoff(policy, failures));
        }
        throw new ChainException.Failed(what + " did not land within " + limit.toSeconds() + " s: " + trouble);
    }

    private static String trouble(Action action) {
        return switch (action) {
            case CAPPED -> "the chain asks more per gas than the cap allows";
            case UNFUNDED -> "the submitter's account cannot pay for gas";
            case IDLE -> "the ledger has not sealed it";
            case SENT, RESENT, BUMPED, WAITING -> "the transaction is not mined";
        };
    }

    /// The poll interval; after failures up to 32 times as long, each time spread by half so that clients do not
    /// march in step.
    private static Duration backoff(FlushPolicy policy, int failures) {
        long nanos = policy.poll().toNanos() << Math.min(failures, 5);
        return Duration.ofNanos(
                failures == 0 ? nanos : ThreadLocalRandom.current().nextLong(nanos / 2, nanos + 1));
    }
}
