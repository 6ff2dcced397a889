package org.openlora.meter.evidence;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.datanet.DatanetRegistry;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.files.Progress;
import org.openlora.meter.index.IndexStore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The corpora that evidence is searched in, opened when first needed and kept: their indices are mapped files,
/// built where there are none. Used by one thread at a time.
public final class CorpusLibrary {
    private static final Logger LOG = LoggerFactory.getLogger(CorpusLibrary.class);
    private static final int KEPT_LINEAGES = 256;
    private static final long TOLD_EVERY_NANOS = 5_000_000_000L;

    private final DatanetRegistry datanets;
    private final IndexStore indices;
    private final Map<Bytes32, TokenEncoder> encoders;
    private final Map<Bytes32, Corpus> corpora = new HashMap<>();
    private final Map<LineageKey, LineageCorpora> lineages = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<LineageKey, LineageCorpora> eldest) {
            return size() > KEPT_LINEAGES;
        }
    };

    private record LineageKey(List<Bytes32> roots, ScorerVersion version) {}

    /// @param encoders by tokenizer digest
    public CorpusLibrary(DatanetRegistry datanets, IndexStore indices, Map<Bytes32, TokenEncoder> encoders) {
        this.datanets = datanets;
        this.indices = indices;
        this.encoders = Map.copyOf(encoders);
    }

    /// The corpora of these datanets, in this order, as the tokenizer cuts them and the scorer sees them.
    ///
    /// @throws IllegalArgumentException where a datanet or the tokenizer is not at hand
    public synchronized LineageCorpora lineage(
            List<Bytes32> datanetDigests, Bytes32 tokenizerDigest, ScorerVersion version) {
        List<Bytes32> roots = datanetDigests.stream()
                .map(digest -> Datanet.corpusRoot(digest, tokenizerDigest))
                .toList();
        LineageKey key = new LineageKey(roots, version);
        LineageCorpora known = lineages.get(key);
        if (known != null) {
            return known;
        }
        List<Corpus> parts = new ArrayList<>();
        for (int i = 0; i < roots.size(); i++) {
            Bytes32 root = roots.get(i);
            Corpus corpus = corpora.get(root);
            if (corpus == null) {
                corpus = open(datanetDigests.get(i), tokenizerDigest);
                corpora.put(root, corpus);
            }
            parts.add(corpus);
        }
        LineageCorpora lineage = LineageCorpora.of(parts, version);
        lineages.put(key, lineage);
        return lineage;
    }

    private Corpus open(Bytes32 datanetDigest, Bytes32 tokenizerDigest) {
        Datanet datanet = datanets.find(datanetDigest)
                .orElseThrow(() -> new IllegalArgumentException("datanet " + Sha256.text(datanetDigest)
                        + " was registered when the request was served and is not now"));
        TokenEncoder encoder = encoders.get(tokenizerDigest);
        if (encoder == null) {
            throw new IllegalArgumentException(
                    "tokenizer " + Sha256.text(tokenizerDigest) + " is not loaded, so its corpora cannot be built");
        }
        return Corpus.open(
                indices, datanet, tokenizerDigest, encoder, datanets.copies(datanetDigest), progressOf(datanet));
    }

    /// A line now and then while a large datanet is indexed.
    private static Progress progressOf(Datanet datanet) {
        long[] told = {System.nanoTime()};
        return (stage, done, total) -> {
            if (System.nanoTime() - told[0] > TOLD_EVERY_NANOS) {
                told[0] = System.nanoTime();
                LOG.info(
                        "indexing datanet {} version {}: {} {} of {}",
                        datanet.id(),
                        datanet.version(),
                        stage,
                        done,
                        total);
            }
        };
    }
}
