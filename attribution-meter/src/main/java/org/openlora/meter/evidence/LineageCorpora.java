package org.openlora.meter.evidence;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.duplicates.Copies;
import org.openlora.meter.duplicates.NearDuplicates;
import org.openlora.meter.duplicates.NearDuplicates.Registered;
import org.openlora.meter.duplicates.RowId;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.files.Progress;

/// What the evidence of one lineage is searched in: its corpora in the order of the datanets' registration, the
/// rarity of their tokens, and for each row the row it is a copy of. Immutable, shared by all requests of that
/// lineage.
public final class LineageCorpora {
    private final ScorerVersion version;
    private final List<Corpus> corpora;
    private final List<Copies> copies;
    private final Map<Bytes32, Integer> places;
    /// The first row of the lineage that is a copy of an original outside of it.
    private final Map<RowId, Source> standIns = new HashMap<>();

    /// The values of those.
    private final Set<Source> older;

    private final RarityTable rarity;

    private LineageCorpora(List<Corpus> corpora, List<Copies> copies, ScorerVersion version) {
        this.version = version;
        this.corpora = List.copyOf(corpora);
        this.copies = copies;
        this.places = new HashMap<>();
        for (Corpus corpus : corpora) {
            places.put(corpus.datanet().digest(), places.size());
        }
        for (int d = 0; d < copies.size(); d++) {
            for (int c = 0; c < copies.get(d).size(); c++) {
                RowId original = copies.get(d).original(c);
                if (!places.containsKey(original.datanet())) {
                    standIns.putIfAbsent(original, new Source(d, copies.get(d).row(c)));
                }
            }
        }
        this.older = Set.copyOf(standIns.values());
        this.rarity = switch (version) {
            case V1 -> counts().build();
            case V2 -> countsWithoutCopies().build();
        };
    }

    /// @param corpora in the order in which their datanets were registered: of rows that are copies, the first
    ///     counts
    /// @param version says what a copy is, and whether copies count for the rarity
    public static LineageCorpora of(List<Corpus> corpora, ScorerVersion version) {
        List<Copies> copies =
                switch (version) {
                    case V1 -> EqualTexts.copies(corpora);
                    case V2 -> corpora.stream().map(Corpus::copies).toList();
                };
        return new LineageCorpora(corpora, copies, version);
    }

    /// The corpora of datanets as if they were registered now, in this order and alone; on the heap.
    public static LineageCorpora of(
            List<Datanet> datanets, Bytes32 tokenizerDigest, TokenEncoder encoder, ScorerVersion version) {
        List<Registered> registered = new ArrayList<>();
        List<Corpus> corpora = new ArrayList<>();
        for (Datanet datanet : datanets) {
            Copies copies = NearDuplicates.find(registered, datanet.banded(), Progress.NONE);
            registered.add(new Registered(datanet.banded(), copies));
            corpora.add(Corpus.of(datanet, tokenizerDigest, encoder, copies));
        }
        return of(corpora, version);
    }

    private RarityTable.Counts counts() {
        RarityTable.Counts counts = new RarityTable.Counts();
        corpora.forEach(corpus -> counts.add(corpus.index()));
        return counts;
    }

    /// A copy makes nobody's text more common.
    private RarityTable.Counts countsWithoutCopies() {
        RarityTable.Counts counts = counts();
        for (int d = 0; d < copies.size(); d++) {
            for (int c = 0; c < copies.get(d).size(); c++) {
                int row = copies.get(d).row(c);
                if (!original(d, row).equals(new Source(d, row))) {
                    counts.remove(corpora.get(d).index().tokensOf(row));
                }
            }
        }
        return counts;
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

    /// The row that counts for a row: the original that it is a copy of; where that is outside of the lineage,
    /// the first row of the lineage that is a copy of the same original; the row itself where it is no copy.
    Source original(int datanet, int row) {
        Source here = new Source(datanet, row);
        return copies.get(datanet)
                .originalOf(row)
                .map(original -> {
                    Integer place = places.get(original.datanet());
                    return place == null ? standIns.getOrDefault(original, here) : new Source(place, original.row());
                })
                .orElse(here);
    }

    /// How early an original was registered: lower is earlier. Originals of one datanet are equal, but for
    /// those that stand for rows of an earlier datanet outside of the lineage.
    int age(Source original) {
        return 2 * original.datanet() + (older.contains(original) ? 0 : 1);
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
