package org.openlora.meter.evidence;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.openlora.meter.evm.Bytes32;

/// What the evidence of one lineage is searched in: its corpora in the order of the datanets' registration, the
/// rarity of their tokens, and for each row the row it is a copy of. Immutable, shared by all requests of that
/// lineage.
public final class LineageCorpora {
    private final ScorerVersion version;
    private final List<Corpus> corpora;
    private final RarityTable rarity;
    private final List<Source[]> originals;

    private LineageCorpora(
            ScorerVersion version, List<Corpus> corpora, RarityTable rarity, List<Source[]> originals) {
        this.version = version;
        this.corpora = corpora;
        this.rarity = rarity;
        this.originals = originals;
    }

    /// @param corpora in the order in which their datanets were registered: of rows that are copies, the first
    ///     counts
    /// @param version says what a copy is, and whether copies count for the rarity
    public static LineageCorpora of(List<Corpus> corpora, ScorerVersion version) {
        Map<Bytes32, Source> first = new HashMap<>();
        List<Source[]> originals = new ArrayList<>();
        for (int d = 0; d < corpora.size(); d++) {
            List<Bytes32> fingerprints = corpora.get(d).datanet().fingerprints();
            Source[] rows = new Source[fingerprints.size()];
            for (int r = 0; r < rows.length; r++) {
                Source here = new Source(d, r);
                Source earlier = first.putIfAbsent(fingerprints.get(r), here);
                rows[r] = earlier == null ? here : earlier;
            }
            originals.add(rows);
        }
        List<List<int[]>> counted =
                switch (version) {
                    case V1 -> corpora.stream().map(Corpus::tokens).toList();
                    case V2 -> withoutCopies(corpora, originals);
                };
        return new LineageCorpora(version, List.copyOf(corpora), RarityTable.of(counted), List.copyOf(originals));
    }

    /// A copy makes nobody's text more common.
    private static List<List<int[]>> withoutCopies(List<Corpus> corpora, List<Source[]> originals) {
        List<List<int[]>> counted = new ArrayList<>();
        for (int d = 0; d < corpora.size(); d++) {
            List<int[]> rows = new ArrayList<>();
            for (int r = 0; r < originals.get(d).length; r++) {
                if (originals.get(d)[r].equals(new Source(d, r))) {
                    rows.add(corpora.get(d).tokens().get(r));
                }
            }
            counted.add(rows);
        }
        return counted;
    }

    /// Whose rules these corpora follow.
    public ScorerVersion version() {
        return version;
    }

    public List<Corpus> corpora() {
        return corpora;
    }

    public RarityTable rarity() {
        return rarity;
    }

    /// The earliest registered copy of a row; the row itself where it is no copy.
    Source original(int datanet, int row) {
        return originals.get(datanet)[row];
    }

    /// The writer of a row.
    Target contributor(Source source) {
        return Target.contributor(
                source.datanet(),
                corpora.get(source.datanet())
                        .datanet()
                        .contributorOf(source.row())
                        .hash());
    }
}
