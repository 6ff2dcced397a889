package org.openlora.server.receipts;

import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.chain.ChainException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The chain of a running server: opened when it is first needed, then kept, and opened again where it no longer
/// answers.
/// Safe for use by many threads.
public final class KeptChain implements ReceiptDesk.ChainAccess, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(KeptChain.class);

    private final Supplier<Optional<ChainLink>> opener;
    private @Nullable ChainLink kept;
    private boolean closed;

    public KeptChain(Supplier<Optional<ChainLink>> opener) {
        this.opener = opener;
    }

    /// A link that may be closed without harm.
    @Override
    public synchronized Optional<ChainLink> open() {
        if (closed) {
            return Optional.empty();
        }
        if (kept != null && !answers(kept)) {
            kept.close();
            kept = null;
        }
        if (kept == null) {
            kept = opener.get().orElse(null);
        }
        return Optional.ofNullable(kept).map(ChainLink::shared);
    }

    private static boolean answers(ChainLink link) {
        try {
            link.contract().chainId();
            return true;
        } catch (ChainException.Unreachable e) {
            log.debug("the chain no longer answers; opening it again", e);
            return false;
        }
    }

    /// Stops a local chain that was started here; there is none to be had afterwards.
    @Override
    public synchronized void close() {
        closed = true;
        if (kept != null) {
            kept.close();
            kept = null;
        }
    }
}
