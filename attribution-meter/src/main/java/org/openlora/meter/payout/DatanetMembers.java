package org.openlora.meter.payout;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.openlora.meter.datanet.Contributor;
import org.openlora.meter.datanet.Datanet;
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

    /// The contributors of registered datanets.
    ///
    /// @param registry finds a datanet by its digest
    static DatanetMembers registered(Function<Bytes32, Optional<Datanet>> registry) {
        return digest -> registry.apply(digest).map(DatanetMembers::members).orElse(List.of());
    }

    private static List<Member> members(Datanet datanet) {
        List<Contributor> contributors = datanet.contributors();
        long[] rows = new long[contributors.size()];
        datanet.rows().forEach(row -> rows[row.contributor()]++);
        List<Member> members = new ArrayList<>();
        for (int i = 0; i < rows.length; i++) {
            Contributor contributor = contributors.get(i);
            members.add(new Member(contributor.hash(), contributor.payee(), rows[i]));
        }
        return members;
    }
}
