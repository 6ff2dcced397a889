package org.openlora.meter.receipt;

import org.openlora.meter.evm.Bytes32;

/// One adapter that took part in a request.
///
/// @param digest adapter digest (weights and effective config)
/// @param manifestDigest digest of `adapter.yaml`; zero where the adapter has none
/// @param scalePpm signed parts per million; 1_000_000 is the adapter as trained
/// @param tokens generated tokens that this adapter took part in
public record AdapterUse(Bytes32 digest, Bytes32 manifestDigest, int scalePpm, int tokens) {
    public AdapterUse {
        if (digest.isZero()) {
            throw new IllegalArgumentException("an adapter use needs the adapter's digest, not zero");
        }
        if (tokens < 0) {
            throw new IllegalArgumentException("tokens of adapter " + digest + " must not be negative: " + tokens);
        }
    }
}
