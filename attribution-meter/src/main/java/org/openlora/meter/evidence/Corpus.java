package org.openlora.meter.evidence;

import java.util.ArrayList;
import java.util.List;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.datanet.DatanetRow;
import org.openlora.meter.evm.Bytes32;

/// A datanet as one tokenizer cuts it, indexed. Immutable.
///
/// @param root names the pair of datanet and tokenizer
/// @param tokens the token ids of each row's text
public record Corpus(Datanet datanet, Bytes32 root, List<int[]> tokens, SuffixIndex index) {
    /// Encodes and indexes every row.
    public static Corpus of(Datanet datanet, Bytes32 tokenizerDigest, TokenEncoder encoder) {
        List<int[]> tokens = new ArrayList<>(datanet.rows().size());
        for (DatanetRow row : datanet.rows()) {
            tokens.add(encoder.encode(row.text()));
        }
        return new Corpus(datanet, datanet.corpusRoot(tokenizerDigest), List.copyOf(tokens), SuffixIndex.of(tokens));
    }
}
