package org.openlora.meter.chain;

import org.openlora.meter.evm.Bytes32;

/// One stream to bring on chain: whose it is, its sealed batches, and the flusher's memory of it.
public record FlushSource(Bytes32 operatorId, Bytes32 stream, SealedBatches batches, AttemptJournal journal) {}
