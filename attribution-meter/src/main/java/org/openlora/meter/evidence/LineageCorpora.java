package org.openlora.meter.evidence;

import java.util.ArrayList;
import java.util.List;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.duplicates.Copies;
import org.openlora.meter.duplicates.NearDuplicates;
import org.openlora.meter.duplicates.NearDuplicates.Registered;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.files.Progress;
import org.openlora.meter.index.SuffixIndex;

/// What the evidence of one lineage is searched in, as a version of the scorer sees it: its corpora in the order of
/// the datanets' registration, the rarity of their tokens, and for each row the row it is a copy of. Immutable,
/// shared by all requests of that lineage.
public final class LineageCorpora {
    private final ScorerVersion version;
    private final List<Corpus> corpora;
    private final RarityTable rarity;
    private final OriginalRows originals;

    private LineageCorpora(
            ScorerVersion version, List<Corpus> corpora, RarityTable rarity, OriginalRows originals) {
        this.version = version;
        this.corpora = corpora;
        this.rarity = rarity;
        this.originals = originals;
    }

    /// @param corpora in the order in which their datanets were registered: of rows that are copies, the first
    ///     counts
    /// @param version says what a copy is, and whether copies count for the rarity
    public static LineageCorpora of(List<Corpus> corpora, ScorerVersion version) {
        List<Corpus> copied = List.copyOf(corpora);
        List<SuffixIndex> indices = corpora.stream().map(Corpus::index).toList();
        return switch (version) {
            case V1 ->
                new LineageCorpora(
                        version, copied, RarityTable.of(indices, List.of()), NormalisedCopies.of(copied));
            case V2 -> {
                RegisteredCopies originals = RegisteredCopies.of(copied);
                yield new LineageCorpora(
                        version, copied, RarityTable.of(indices, copies(copied, originals)), originals);
            }
        };
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

    /// The tokens of rows that others count for: a copy makes nobody's text more common.
    private static List<int[]> copies(List<Corpus> corpora, OriginalRows originals) {
        List<int[]> tokens = new ArrayList<>();
        for (int d = 0; d < corpora.size(); d++) {
            Copies copies = corpora.get(d).copies();
            for (int c = 0; c < copies.size(); c++) {
                Source here = new Source(d, copies.row(c));
                if (!originals.original(here).equals(here)) {
                    tokens.add(corpora.get(d).index().tokensOf(here.row()));
                }
            }
        }
        return tokens;
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

    /// The row that counts for a row: the earliest registered one that it is a copy of, or itself.
    Source original(int datanet, int row) {
        return originals.original(new Source(datanet, row));
    }

    /// How early an original was registered: lower is earlier. Originals of one datanet are equal, but for those that
    /// stand for rows of an earlier datanet outside of the lineage.
    int age(Source original) {
        return 2 * original.datanet() + (originals.isOlder(original) ? 0 : 1);
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
