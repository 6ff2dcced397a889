package org.openlora.meter.accounting.reconciliation;

import java.util.List;
import org.openlora.meter.chain.BlockReference;
import org.openlora.meter.chain.CommittedBatch;
import org.openlora.meter.chain.CommittedBatches;
import org.openlora.meter.chain.LedgerContract;
import org.openlora.meter.chain.LedgerContract.Commit;
import org.openlora.meter.chain.LedgerContract.StreamState;
import org.openlora.meter.evm.Bytes32;

/// What a chain holds of an operator's batches. State is what counts; events tell what was committed, and may be
/// delivered more than once.
public interface ChainRecord {
    /// What the contract's state holds of a batch.
    record Anchor(Bytes32 root, Bytes32 head) {}

    StreamState stream(Bytes32 operatorId, Bytes32 stream);

    Anchor batch(Bytes32 operatorId, Bytes32 stream, long number);

    List<CommittedBatch> events(Bytes32 operatorId, Bytes32 stream);

    /// What the contract says at the newest block.
    static ChainRecord of(LedgerContract contract) {
        CommittedBatches events = new CommittedBatches(contract);
        return new ChainRecord() {
            @Override
            public StreamState stream(Bytes32 operatorId, Bytes32 stream) {
                return contract.stream(operatorId, stream, BlockReference.LATEST);
            }

            @Override
            public Anchor batch(Bytes32 operatorId, Bytes32 stream, long number) {
                Commit commit = contract.batch(operatorId, stream, number, BlockReference.LATEST);
                return new Anchor(commit.root(), commit.head());
            }

            @Override
            public List<CommittedBatch> events(Bytes32 operatorId, Bytes32 stream) {
                return events.of(operatorId, stream);
            }
        };
    }
}
