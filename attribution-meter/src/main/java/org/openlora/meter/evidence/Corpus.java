package org.openlora.meter.evidence;

import java.util.List;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.datanet.DatanetRow;
import org.openlora.meter.duplicates.Copies;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.files.Progress;
import org.openlora.meter.index.IndexKey;
import org.openlora.meter.index.IndexStore;
import org.openlora.meter.index.RowTokens;
import org.openlora.meter.index.SuffixIndex;

/// A datanet as one tokenizer cuts it, indexed. Immutable.
///
/// @param root names the pair of datanet and tokenizer
/// @param copies of which rows other rows, of this datanet or earlier ones, are the originals
public record Corpus(Datanet datanet, Bytes32 root, SuffixIndex index, Copies copies) {
    /// Encodes and indexes every row, on the heap.
    public static Corpus of(Datanet datanet, Bytes32 tokenizerDigest, TokenEncoder encoder, Copies copies) {
        List<int[]> tokens =
                datanet.rows().stream().map(row -> encoder.encode(row.text())).toList();
        return new Corpus(datanet, datanet.corpusRoot(tokenizerDigest), SuffixIndex.of(tokens), copies);
    }

    /// Takes the index from a store, which builds it where it has none.
    static Corpus open(
            IndexStore store,
            Datanet datanet,
            Bytes32 tokenizerDigest,
            TokenEncoder encoder,
            Copies copies,
            Progress progress) {
        Bytes32 root = datanet.corpusRoot(tokenizerDigest);
        SuffixIndex index = store.open(
                new IndexKey(datanet.digest(), tokenizerDigest, root),
                new EncodedRows(datanet.rows(), encoder),
                progress);
        return new Corpus(datanet, root, index, copies);
    }

    /// Rows that are encoded when they are asked for.
    private record EncodedRows(List<DatanetRow> rows, TokenEncoder encoder) implements RowTokens {
        @Override
        public int size() {
            return rows.size();
        }

        @Override
        public int[] tokens(int row) {
            return encoder.encode(rows.get(row).text());
        }
    }
}
