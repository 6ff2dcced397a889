package org.openlora.meter.audit;

import java.util.Comparator;
import java.util.List;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;

/// Which receipts are audited: a choice that nobody can foresee without the seed and anybody can repeat with it.
///
/// Receipts are ranked by `SHA-256(lp("openlora/audit-sample/v1") ‖ u64le(seed) ‖ struct hash)`; the first ones are the
/// sample. So a larger sample of the same seed contains the smaller one, and receipts that are added change it only
/// where
/// they are chosen themselves.
public final class AuditSample {
    private AuditSample() {}

    /// A receipt that may be chosen.
    public record Candidate(long seq, Bytes32 structHash) {}

    private record Ranked(long seq, Bytes32 rank) {}

    /// @return numbers of the chosen receipts, ascending; all where there are no more than `count`
    public static List<Long> choose(List<Candidate> candidates, long seed, int count) {
        if (count < 1) {
            throw new IllegalArgumentException("a sample has at least 1 receipt, not " + count);
        }
        return candidates.stream()
                .map(candidate -> new Ranked(candidate.seq(), rank(seed, candidate.structHash())))
                .sorted(Comparator.comparing(Ranked::rank))
                .limit(count)
                .map(Ranked::seq)
                .sorted()
                .toList();
    }

    private static Bytes32 rank(long seed, Bytes32 structHash) {
        return Sha256.domain("openlora/audit-sample/v1")
                .u64(seed)
                .word(structHash)
                .digest();
    }
}
