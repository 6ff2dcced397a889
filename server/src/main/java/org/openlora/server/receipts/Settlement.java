package org.openlora.server.receipts;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.openlora.meter.ledger.SealedBatch;

/// What a ledger still owes: receipts that stand in no batch, batches that are on no chain.
public final class Settlement {
    private final LedgerView ledger;

    public Settlement(LedgerView ledger) {
        this.ledger = ledger;
    }

    /// Seals every receipt that stands in no batch.
    ///
    /// @return the new batches, in order
    public List<SealedBatch> seal() {
        List<SealedBatch> sealed = new ArrayList<>();
        for (Optional<SealedBatch> next = ledger.seal(); next.isPresent(); next = ledger.seal()) {
            sealed.add(next.get());
        }
        return sealed;
    }

    /// The last sealed batch, where it has not landed on a chain.
    public OptionalLong unanchored() {
        List<Long> numbers = ledger.queries().batchNumbers();
        long last = numbers.isEmpty() ? 0 : numbers.getLast();
        return last > landed() ? OptionalLong.of(last) : OptionalLong.empty();
    }

    /// Whether batches are on the chain that are not final yet, as far as the flusher has seen.
    public boolean awaitsFinality() {
        return landed() > ledger.journal().finalNumber();
    }

    /// The last batch that is on the chain; 0 for none.
    public long landed() {
        return ledger.journal().landedNumber();
    }
}
