package org.openlora.meter.usage;

import java.util.List;
import org.openlora.meter.evm.Bytes32;

/// Everything that decides how a usage row will be scored and priced, fixed when it is committed.
///
/// @param scorer id of the scorer's version
/// @param datanets the datanets of the request's lineage that were registered, in the order of their registration
/// @param payees digest of the table of contributors' payees
/// @param priceBook digest of the price book
public record ScoringVersions(Bytes32 scorer, List<Bytes32> datanets, Bytes32 payees, Bytes32 priceBook) {
    public ScoringVersions {
        datanets = List.copyOf(datanets);
    }
}
