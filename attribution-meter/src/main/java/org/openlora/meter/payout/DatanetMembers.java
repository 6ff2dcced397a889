package org.openlora.meter.payout;

import java.util.List;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// Who stands behind a datanet, for the division of its pool.
@FunctionalInterface
public interface DatanetMembers {
    /// One contributor.
    ///
    /// @param contributor the salted hash that receipts name
    /// @param payee where the contributor is paid now
    /// @param rows how many rows of the datanet are the contributor's
    record Member(Bytes32 contributor, Address payee, long rows) {
        public Member {
            if (rows < 0) {
                throw new IllegalArgumentException("contributor " + contributor + " has " + rows + " rows");
            }
        }
    }

    /// The contributors of a datanet, each once; none where the datanet is not known.
    List<Member> of(Bytes32 datanet);
}
