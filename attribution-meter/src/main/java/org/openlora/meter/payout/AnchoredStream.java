package org.openlora.meter.payout;

import org.openlora.meter.evm.Bytes32;

/// How much of a receipt stream a round pays for.
///
/// @param batches number of the last batch that counts; all before it do
/// @param head of the chain of batches there, as the ledger contract holds it
public record AnchoredStream(Bytes32 stream, long batches, Bytes32 head) {
    public AnchoredStream {
        if (batches < 1) {
            throw new IllegalArgumentException("stream " + stream + " counts from batch 1, not " + batches);
        }
    }
}
