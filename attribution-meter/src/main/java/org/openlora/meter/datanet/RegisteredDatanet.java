package org.openlora.meter.datanet;

import java.util.Optional;
import org.openlora.meter.evm.Bytes32;

/// A datanet version as the registry knows it.
///
/// @param ordinal its place in the order of registration, which decides who is first among copies
/// @param datanet its rows stay in files; its title, licence, names and payees are those that hold now
/// @param merkleRoot of [RowTree]
/// @param rowBytes size of its rows in canonical JSON
/// @param copyCount how many of its rows are copies of earlier ones
/// @param copiesDigest of [org.openlora.meter.duplicates.Copies#digest]
/// @param retiredAtMillis when it was retired; empty while it is served and credited
public record RegisteredDatanet(
        long ordinal,
        Datanet datanet,
        Bytes32 merkleRoot,
        long rowBytes,
        int copyCount,
        Bytes32 copiesDigest,
        long registeredAtMillis,
        Optional<Long> retiredAtMillis) {
    /// Whether requests that are served now may be attributed to it.
    public boolean isActive() {
        return retiredAtMillis.isEmpty();
    }
}
