package org.openlora.meter.chain;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.openlora.meter.evm.Bytes32;

/// The sealed batches of one (operator, stream), as the ledger keeps them. A sealed batch never changes.
public interface SealedBatches {
    /// Number of the last one; 0 for none.
    long last();

    /// The batch with this number (from 1); empty where it is not sealed yet.
    Optional<BatchHeader> batch(long number);

    /// That batch's link of the head chain.
    Optional<Bytes32> head(long number);

    /// These batches, from number 1.
    static SealedBatches of(List<BatchHeader> headers) {
        List<BatchHeader> batches = List.copyOf(headers);
        List<Bytes32> heads = new ArrayList<>();
        Bytes32 head = Bytes32.ZERO;
        for (BatchHeader header : batches) {
            head = header.head(head);
            heads.add(head);
        }
        return new SealedBatches() {
            @Override
            public long last() {
                return batches.size();
            }

            @Override
            public Optional<BatchHeader> batch(long number) {
                return element(batches, number);
            }

            @Override
            public Optional<Bytes32> head(long number) {
                return element(heads, number);
            }
        };
    }

    private static <T> Optional<T> element(List<T> list, long number) {
        return 1 <= number && number <= list.size() ? Optional.of(list.get((int) number - 1)) : Optional.empty();
    }
}
