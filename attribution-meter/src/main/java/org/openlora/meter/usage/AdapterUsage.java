package org.openlora.meter.usage;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.AdapterUse;

/// An adapter's part in a request, with what its manifest said when it was served.
///
/// @param use what stands in the receipt
/// @param lineage the training mix; empty where the adapter has no manifest or the manifest no lineage
/// @param ownerPayee where the owner is paid; null where there is no owner, then the treasury is
public record AdapterUsage(
        AdapterUse use,
        List<LineageShare> lineage,
        @Nullable Address ownerPayee) {
    public AdapterUsage {
        lineage = List.copyOf(lineage);
        int sum = 0;
        Set<Bytes32> datanets = new HashSet<>();
        for (LineageShare share : lineage) {
            sum += share.basisPoints();
            if (!datanets.add(share.datanet())) {
                throw new IllegalArgumentException(
                        "lineage of adapter " + use.digest() + " names datanet " + share.datanet() + " twice");
            }
        }
        if (!lineage.isEmpty() && sum != LineageShare.WHOLE_BPS) {
            throw new IllegalArgumentException(
                    "lineage of adapter " + use.digest() + " sums to " + sum + " basis points, not 10000");
        }
        if (ownerPayee != null && ownerPayee.isZero()) {
            throw new IllegalArgumentException("owner of adapter " + use.digest() + " must not be the zero address");
        }
    }

    /// The adapter's weight among those of a request: the size of its scale.
    public long weight() {
        return Math.abs((long) use.scalePpm());
    }
}
