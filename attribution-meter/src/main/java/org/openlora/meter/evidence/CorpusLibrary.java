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

/// The corpora that evidence is searched in, built when first needed and kept. Used by one thread at a time.
public final class CorpusLibrary {
    private static final int KEPT_LINEAGES = 256;

    private final DatanetRegistry datanets;
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
    public CorpusLibrary(DatanetRegistry datanets, Map<Bytes32, TokenEncoder> encoders) {
        this.datanets = datanets;
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
                corpus = build(datanetDigests.get(i), tokenizerDigest);
                corpora.put(root, corpus);
            }
            parts.add(corpus);
        }
        LineageCorpora lineage = LineageCorpora.of(parts, version);
        lineages.put(key, lineage);
        return lineage;
    }

    private Corpus build(Bytes32 datanetDigest, Bytes32 tokenizerDigest) {
        Datanet datanet = datanets.find(datanetDigest)
                .orElseThrow(() -> new IllegalArgumentException("datanet " + Sha256.text(datanetDigest)
                        + " was registered when the request was served and is not now"));
        TokenEncoder encoder = encoders.get(tokenizerDigest);
        if (encoder == null) {
            throw new IllegalArgumentException(
                    "tokenizer " + Sha256.text(tokenizerDigest) + " is not loaded, so its corpora cannot be built");
        }
        return Corpus.of(datanet, tokenizerDigest, encoder);
    }
}
