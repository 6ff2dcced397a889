package org.openlora.meter.evidence;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.openlora.meter.duplicates.Copies;
import org.openlora.meter.duplicates.RowId;
import org.openlora.meter.evm.Bytes32;

/// Version 2: the near-duplicates that were found when the datanets were registered. Where an original is in no
/// searched datanet, the first of its copies that is stands for it.
///
/// @param places of the searched datanets, by digest
/// @param standIns by original outside of the lineage
/// @param older the stand-ins
record RegisteredCopies(
        List<Corpus> corpora, Map<Bytes32, Integer> places, Map<RowId, Source> standIns, Set<Source> older)
        implements OriginalRows {
    static RegisteredCopies of(List<Corpus> corpora) {
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
        return new RegisteredCopies(
                corpora, Map.copyOf(places), Map.copyOf(standIns), Set.copyOf(new HashSet<>(standIns.values())));
    }

    @Override
    public Source original(Source row) {
        return corpora.get(row.datanet())
                .copies()
                .originalOf(row.row())
                .map(original -> {
                    Integer place = places.get(original.datanet());
                    return place == null
                            ? standIns.getOrDefault(original, row)
                            : new Source(place, original.row());
                })
                .orElse(row);
    }

    @Override
    public boolean isOlder(Source original) {
        return older.contains(original);
    }
}
