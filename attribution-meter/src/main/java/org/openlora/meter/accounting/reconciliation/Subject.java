package org.openlora.meter.accounting.reconciliation;

import java.util.Optional;
import java.util.OptionalLong;
import org.openlora.meter.evm.Bytes32;

/// What a break is about.
///
/// @param stream absent where no stream is known
/// @param payout number of a payout round
public record Subject(
        Optional<Bytes32> stream,
        OptionalLong seq,
        OptionalLong batch,
        Optional<Bytes32> requestId,
        OptionalLong payout) {
    static Subject receipt(Bytes32 stream, long seq, Bytes32 requestId) {
        return new Subject(
                Optional.of(stream),
                OptionalLong.of(seq),
                OptionalLong.empty(),
                Optional.of(requestId),
                OptionalLong.empty());
    }

    static Subject receipt(Bytes32 stream, long seq) {
        return new Subject(
                Optional.of(stream),
                OptionalLong.of(seq),
                OptionalLong.empty(),
                Optional.empty(),
                OptionalLong.empty());
    }

    static Subject batch(Bytes32 stream, long number) {
        return new Subject(
                Optional.of(stream),
                OptionalLong.empty(),
                OptionalLong.of(number),
                Optional.empty(),
                OptionalLong.empty());
    }

    static Subject request(Bytes32 requestId) {
        return new Subject(
                Optional.empty(),
                OptionalLong.empty(),
                OptionalLong.empty(),
                Optional.of(requestId),
                OptionalLong.empty());
    }

    static Subject payout(long number) {
        return new Subject(
                Optional.empty(),
                OptionalLong.empty(),
                OptionalLong.empty(),
                Optional.empty(),
                OptionalLong.of(number));
    }

    static Subject ledger() {
        return new Subject(
                Optional.empty(), OptionalLong.empty(), OptionalLong.empty(), Optional.empty(), OptionalLong.empty());
    }

    /// Such as `receipt 7`, `batch 2`, `request 0x…` or `the ledger`.
    @Override
    public String toString() {
        if (seq.isPresent()) {
            return "receipt " + seq.getAsLong();
        }
        if (batch.isPresent()) {
            return "batch " + batch.getAsLong();
        }
        if (payout.isPresent()) {
            return "payout round " + payout.getAsLong();
        }
        return requestId.map(id -> "request " + id).orElse("the ledger");
    }
}
