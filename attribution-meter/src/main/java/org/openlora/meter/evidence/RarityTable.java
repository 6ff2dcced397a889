package org.openlora.meter.evidence;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.exact.FixedPointLog2;
import org.openlora.meter.index.SuffixIndex;

/// How surprising each token is in the corpora of a request's lineage: fixed-point unigram log-probabilities in
/// units of 2⁻¹⁶ bit. With N tokens of D kinds, a token seen c times costs `L(N + D + 1) − L(c + 1)`, where
/// `L(n) = floor(65536 · log2 n)`; one never seen has c = 0 (add-one smoothing with one kind kept for the
/// unseen). The table is a pure function of the corpora, so a receipt's corpus roots name it.
public final class RarityTable {
    private static final String DOMAIN = "openlora/rarity/v1";

    private final int[] costs;
    private final int unseenCost;
    private final Bytes32 digest;

    private RarityTable(int[] costs, int unseenCost, Bytes32 digest) {
        this.costs = costs;
        this.unseenCost = unseenCost;
        this.digest = digest;
    }

    /// How often each token occurs.
    static final class Counts {
        private final TreeMap<Integer, Long> counts = new TreeMap<>();
        private long total;

        /// Counts the tokens of all rows of a corpus.
        void add(SuffixIndex corpus) {
            total += corpus.tokenCount();
            corpus.forEachCount((token, count) -> counts.merge(token, (long) count, Long::sum));
        }

        /// Takes the tokens of a row out again.
        void remove(int[] row) {
            total -= row.length;
            for (int token : row) {
                counts.computeIfPresent(token, (_, count) -> count == 1 ? null : count - 1);
            }
        }

        RarityTable build() {
            return of(counts, total);
        }
    }

    private static RarityTable of(SortedMap<Integer, Long> counts, long total) {
        int whole = FixedPointLog2.floor(total + counts.size() + 1);
        int[] costs = new int[counts.isEmpty() ? 0 : counts.lastKey() + 1];
        Arrays.fill(costs, whole);
        Sha256 digest = Sha256.domain(DOMAIN).u64(total).u64(counts.size());
        List<Integer> logs = new ArrayList<>();
        counts.forEach((token, count) -> {
            while (logs.size() < Math.min(count, 1024)) {
                logs.add(FixedPointLog2.floor(logs.size() + 2L));
            }
            int log = count <= 1024 ? logs.get((int) (count - 1)) : FixedPointLog2.floor(count + 1);
            costs[token] = whole - log;
            digest.u64(token).u64(count).u64(costs[token]);
        });
        return new RarityTable(costs, whole, digest.digest());
    }

    /// The token's information content in units of 2⁻¹⁶ bit; never negative.
    public int cost(int token) {
        return token < costs.length ? costs[token] : unseenCost;
    }

    /// Sums that make the cost of `ids[a, b)` the difference `sums[b] − sums[a]`.
    long[] prefixSums(int[] ids) {
        long[] sums = new long[ids.length + 1];
        for (int i = 0; i < ids.length; i++) {
            sums[i + 1] = sums[i] + cost(ids[i]);
        }
        return sums;
    }

    /// SHA-256 of `lp("openlora/rarity/v1") ‖ u64(N) ‖ u64(D)` and, for each token ascending by id,
    /// `u64(id) ‖ u64(count) ‖ u64(cost)`.
    public Bytes32 digest() {
        return digest;
    }
}
