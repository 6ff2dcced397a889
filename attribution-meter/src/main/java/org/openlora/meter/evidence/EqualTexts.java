package org.openlora.meter.evidence;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.openlora.meter.datanet.DatanetRow;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.duplicates.Copies;
import org.openlora.meter.duplicates.RowId;
import org.openlora.meter.duplicates.Shingles;
import org.openlora.meter.evm.Bytes32;

/// What version 1 of the scorer calls copies: rows of a lineage whose normalised texts are equal.
final class EqualTexts {
    private EqualTexts() {}

    /// The copies of each corpus, of originals in it or before it.
    static List<Copies> copies(List<Corpus> corpora) {
        Map<Bytes32, RowId> first = new HashMap<>();
        List<Copies> copies = new ArrayList<>();
        for (Corpus corpus : corpora) {
            Copies.Builder found = new Copies.Builder();
            int number = 0;
            for (DatanetRow row : corpus.datanet().rows()) {
                RowId original = first.putIfAbsent(
                        Sha256.hash(Shingles.normalised(row.text())),
                        new RowId(corpus.datanet().digest(), number));
                if (original != null) {
                    found.add(number, original);
                }
                number++;
            }
            copies.add(found.build());
        }
        return copies;
    }
}
