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
    private final List<Corpus> corpora;
    private final RarityTable rarity;
    private final List<Source[]> originals;

    private LineageCorpora(List<Corpus> corpora, RarityTable rarity, List<Source[]> originals) {
        this.corpora = corpora;
        this.rarity = rarity;
        this.originals = originals;
    }

    /// @param corpora in the order in which their datanets were registered: of rows that are copies, the first
    ///     counts
    public static LineageCorpora of(List<Corpus> corpora) {
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
        RarityTable rarity = RarityTable.of(corpora.stream().map(Corpus::tokens).toList());
        return new LineageCorpora(List.copyOf(corpora), rarity, List.copyOf(originals));
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
}
