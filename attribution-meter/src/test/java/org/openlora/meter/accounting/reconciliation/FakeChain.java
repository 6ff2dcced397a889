package org.openlora.meter.accounting.reconciliation;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.openlora.meter.chain.BatchHeader;
import org.openlora.meter.chain.CommittedBatch;
import org.openlora.meter.chain.LedgerContract.StreamState;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;

/// A chain that took what it was given, whatever that was.
final class FakeChain implements ChainRecord {
    private final List<BatchHeader> headers = new ArrayList<>();
    private final List<CommittedBatch> events = new ArrayList<>();
    private final List<Bytes32> heads = new ArrayList<>(List.of(Bytes32.ZERO));
    private BigInteger surplus = BigInteger.ZERO;

    /// Takes a batch, with its event.
    FakeChain commit(BatchHeader header) {
        Bytes32 head = header.head(heads.getLast());
        headers.add(header);
        heads.add(head);
        events.add(new CommittedBatch(
                Keccak256.hash("block " + headers.size()),
                Keccak256.hash("transaction " + headers.size()),
                0,
                header,
                head));
        return this;
    }

    /// Delivers every event once more, as nodes do.
    FakeChain deliverTwice() {
        events.addAll(List.copyOf(events));
        return this;
    }

    /// Shows a second event of a batch, in another transaction.
    FakeChain repeatEvent(int number) {
        CommittedBatch event = events.get(number - 1);
        events.add(new CommittedBatch(
                event.blockHash(), Keccak256.hash("a second transaction"), 1, event.header(), event.head()));
        return this;
    }

    FakeChain loseEvent(int number) {
        events.remove(number - 1);
        return this;
    }

    /// Adds to the contract's sum without a batch.
    FakeChain inflate(long pico) {
        surplus = BigInteger.valueOf(pico);
        return this;
    }

    @Override
    public StreamState stream(Bytes32 operatorId, Bytes32 stream) {
        return new StreamState(
                headers.size(),
                headers.isEmpty() ? 0 : headers.getLast().lastSeq(),
                headers.stream().map(BatchHeader::gross).reduce(surplus, BigInteger::add),
                headers.stream().map(BatchHeader::creditTotal).reduce(BigInteger.ZERO, BigInteger::add));
    }

    @Override
    public Anchor batch(Bytes32 operatorId, Bytes32 stream, long number) {
        return new Anchor(headers.get((int) number - 1).root(), heads.get((int) number));
    }

    @Override
    public List<CommittedBatch> events(Bytes32 operatorId, Bytes32 stream) {
        return List.copyOf(events);
    }
}
