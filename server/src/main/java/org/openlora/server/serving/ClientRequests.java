package org.openlora.server.serving;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.openlora.engine.GenerationEvent;
import org.openlora.engine.GenerationSink;
import org.openlora.meter.evm.Bytes32;

/// Sees that a request id that a client chose is served once: known here from its submission until the ledger knows it,
/// and to the ledger from then on. Safe for use by many threads.
final class ClientRequests {
    /// Ended requests are forgotten here, once the ledger has them, when there are more than this.
    private static final int MOST = 4096;

    private final Predicate<Bytes32> inLedger;
    private final Map<Bytes32, State> known = new ConcurrentHashMap<>();

    private enum State {
        RUNNING,
        BILLED
    }

    /// @param inLedger whether the ledger has a request, scored or quarantined
    ClientRequests(Predicate<Bytes32> inLedger) {
        this.inLedger = inLedger;
    }

    /// Claims an id, until [#release] or an end that bills nothing.
    ///
    /// @param id as receipts know it
    /// @param clientRequestId as the client knows it
    /// @return what follows the request to its end, in front of `sink`
    /// @throws RequestExistsException where it was used before
    GenerationSink claim(Bytes32 id, String clientRequestId, GenerationSink sink) {
        if (known.putIfAbsent(id, State.RUNNING) != null) {
            throw new RequestExistsException(clientRequestId);
        }
        if (inLedger.test(id)) {
            known.remove(id);
            throw new RequestExistsException(clientRequestId);
        }
        forget();
        return event -> {
            switch (event) {
                case GenerationEvent.Started _, GenerationEvent.Delta _, GenerationEvent.Attributed _ -> {}
                case GenerationEvent.Finished _ -> known.put(id, State.BILLED);
                // Not where some choices were billed before another failed.
                case GenerationEvent.Failed _ -> known.remove(id, State.RUNNING);
            }
            sink.accept(event);
        };
    }

    /// Gives back the id of a request that was not taken on.
    void release(Bytes32 id) {
        known.remove(id);
    }

    private void forget() {
        if (known.size() > MOST) {
            known.entrySet().removeIf(entry -> entry.getValue() == State.BILLED && inLedger.test(entry.getKey()));
        }
    }
}
