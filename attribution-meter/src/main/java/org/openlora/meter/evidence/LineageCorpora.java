package org.openlora.meter.evidence;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
    private final List<Corpus> corpora;
    private final RarityTable rarity;
    private final Map<Bytes32, Integer> places;
    /// The first row of the lineage that is a copy of an original outside of it.
    private final Map<RowId, Source> standIns;

    private LineageCorpora(
            List<Corpus> corpora, RarityTable rarity, Map<Bytes32, Integer> places, Map<RowId, Source> standIns) {
        this.corpora = corpora;
        this.rarity = rarity;
        this.places = places;
        this.standIns = standIns;
    }

    /// @param corpora in the order in which their datanets were registered: of rows that are copies, the first
    ///     counts
    public static LineageCorpora of(List<Corpus> corpora) {
        Map<Bytes32, Integer> places = new HashMap<>();
        for (Corpus corpus : corpora) {
            places.put(corpus.datanet().digest(), places.size());
        }
        Map<RowId, Source> standIns = new HashMap<>();
        for (int d = 0; d < corpora.size(); d++) {
            Copies copies = corpora.get(d).copies();
            for (int c = 0; c < copies.size(); c++) {
                RowId original = copies.original(c);
                if (!places.containsKey(original.datanet())) {
                    standIns.putIfAbsent(original, new Source(d, copies.row(c)));
                }
            }
        }
        RarityTable rarity =
                RarityTable.of(corpora.stream().map(Corpus::index).toList());
        return new LineageCorpora(List.copyOf(corpora), rarity, Map.copyOf(places), Map.copyOf(standIns));
    }

    /// The corpora of datanets as if they were registered now, in this order and alone; on the heap.
    public static LineageCorpora of(List<Datanet> datanets, Bytes32 tokenizerDigest, TokenEncoder encoder) {
        List<Registered> registered = new ArrayList<>();
        List<Corpus> corpora = new ArrayList<>();
        for (Datanet datanet : datanets) {
            Copies copies = NearDuplicates.find(registered, datanet.banded(), Progress.NONE);
            registered.add(new Registered(datanet.banded(), copies));
            corpora.add(Corpus.of(datanet, tokenizerDigest, encoder, copies));
        }
        return of(corpora);
    }

    public List<Corpus> corpora() {
        return corpora;
    }

    public RarityTable rarity() {
        return rarity;
    }

    /// The row that counts for a row: the original that it is a copy of; where that is outside of the lineage, the
    /// first row of the lineage that is a copy of the same original; the row itself where it is no copy.
    Source original(int datanet, int row) {
        Source here = new Source(datanet, row);
        return corpora.get(datanet)
                .copies()
                .originalOf(row)
                .map(original -> {
                    Integer place = places.get(original.datanet());
                    return place == null
                            ? standIns.getOrDefault(original, here)
                            : new Source(place, original.row());
                })
                .orElse(here);
    }
}
