package org.openlora.meter.chain;

import org.openlora.meter.evm.Bytes32;

/// A `BatchCommitted` event of the ledger contract.
///
/// @param blockHash with transaction and log index the event's identity: nodes deliver one event more than once
public record CommittedBatch(
        Bytes32 blockHash, Bytes32 transactionHash, long logIndex, BatchHeader header, Bytes32 head) {}
