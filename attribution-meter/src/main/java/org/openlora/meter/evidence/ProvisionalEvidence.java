package org.openlora.meter.evidence;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import org.openlora.meter.exact.FixedPointLog2;
import org.openlora.meter.index.SuffixIndex;

/// Follows one growing answer and tells, token by token, the longest piece that ends there and is evidence as far as
/// can be seen: one search in each corpus a token. Used by one thread.
public final class ProvisionalEvidence {
    private static final int FIRST_CAPACITY = 64;

    private final LineageCorpora lineage;
    private final AttributionRules rules;
    private final SuffixIndex prompt;

    private int[] output = new int[FIRST_CAPACITY];
    /// Of each token, its cost; of a piece, their sum.
    private long[] costs = new long[FIRST_CAPACITY + 1];
    private int size;
    /// Per corpus, the length of the longest piece that ends with the newest token.
    private final int[] lengths;

    private int echoLength;

    /// @param prompt what the model read; pieces that stand in it are an echo
    public ProvisionalEvidence(LineageCorpora lineage, AttributionRules rules, int[] prompt) {
        this.lineage = lineage;
        this.rules = rules;
        this.prompt = SuffixIndex.of(List.of(prompt));
        this.lengths = new int[lineage.corpora().size()];
    }

    /// Takes the answer's next token.
    ///
    /// @return the longest piece that ends with it, where that is rare enough and no echo
    public Optional<ProvisionalSpan> next(int token) {
        append(token);
        echoLength = prompt.longestEndingAt(output, size - 1, echoLength + 1);
        int longest = 0;
        int datanet = 0;
        for (int d = 0; d < lengths.length; d++) {
            lengths[d] = lineage.corpora().get(d).index().longestEndingAt(output, size - 1, lengths[d] + 1);
            if (lengths[d] > longest) {
                longest = lengths[d];
                datanet = d;
            }
        }
        long rarity = costs[size] - costs[size - longest];
        if (rarity < (long) rules.rarityThresholdBits() * FixedPointLog2.ONE || echoLength >= longest) {
            return Optional.empty();
        }
        return Optional.of(span(datanet, longest, rarity));
    }

    /// Tokens were missed: no piece spans the gap, and places count on behind it.
    ///
    /// @param next place of the token that comes next
    public void resume(int next) {
        while (size < next) {
            append(0);
        }
        Arrays.fill(lengths, 0);
        echoLength = 0;
    }

    /// How many tokens were taken or missed.
    public int size() {
        return size;
    }

    private void append(int token) {
        if (size == output.length) {
            output = Arrays.copyOf(output, 2 * size);
            costs = Arrays.copyOf(costs, 2 * size + 1);
        }
        costs[size + 1] = costs[size] + lineage.rarity().cost(token);
        output[size++] = token;
    }

    private ProvisionalSpan span(int datanet, int length, long rarity) {
        SuffixIndex.Match match = new SuffixIndex.Match(size - length, length);
        TreeSet<Source> sources = new TreeSet<>();
        for (int row : lineage.corpora().get(datanet).index().rowsOf(output, match)) {
            sources.add(lineage.original(datanet, row));
        }
        return new ProvisionalSpan(
                match.start(),
                length,
                rarity,
                sources.size(),
                sources.stream().limit(rules.occurrenceCap()).map(this::origin).toList());
    }

    private ProvisionalSpan.Origin origin(Source source) {
        return new ProvisionalSpan.Origin(
                lineage.corpora().get(source.datanet()).datanet().digest(),
                lineage.contributor(source).contributor(),
                source.row());
    }
}
