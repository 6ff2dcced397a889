package org.openlora.engine;

import java.util.Comparator;
import java.util.List;
import org.openlora.adapters.Digest;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;

/// Where a request's chain of block names begins: everything but the tokens that its keys and values depend on, and
/// who may share them.
final class PrefixSeeds {
    private PrefixSeeds() {}

    /// SHA-256 of the base, the adapters in digest order with their scales, and the salt. A manifest changes no
    /// weight, so it is no part of it.
    static Bytes32 of(Digest base, List<AdapterSelection> adapters, Bytes32 cacheSalt) {
        Sha256 seed = Sha256.domain("openlora/prefix/v1").prefixed(base.bytes()).u64(adapters.size());
        List<AdapterSelection> sorted = adapters.stream()
                .sorted(Comparator.comparing(AdapterSelection::digest))
                .toList();
        for (AdapterSelection adapter : sorted) {
            seed.prefixed(adapter.digest().bytes()).u64(adapter.scalePpm());
        }
        return seed.word(cacheSalt).digest();
    }
}
