package org.openlora.meter.evidence;

import java.util.List;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;

/// Who every token of a response is attributed to, and why: what a receipt binds by hash. It holds positions and
/// rows, never token ids or text, so it can be shown to a payee who may not see the prompt.
///
/// @param scorer id of the scorer's version
/// @param rarity digest of the rarity table
/// @param datanets of the lineage: first those searched, by registration, then those missing, by digest
/// @param targets ascending; everyone that any token or total names
/// @param prior shares of a token that no span covers
/// @param spans by start, then length
/// @param owners per output token the index of its span, [SpanEvidence#PRIOR] or [SpanEvidence#ECHO]
/// @param totals per target the sum over the tokens in parts per million, after the contributor cap; for a
///     response of no tokens the prior's shares. They sum to one million for each token (at least one)
public record AttributionRecord(
        Bytes32 scorer,
        Bytes32 tokenizer,
        Bytes32 rarity,
        AttributionRules rules,
        List<DatanetUse> datanets,
        List<Target> targets,
        Distribution prior,
        List<AttributedSpan> spans,
        List<Integer> owners,
        List<Long> totals) {
    /// A datanet of the lineage.
    ///
    /// @param searched false where it was retired or missing: its part goes to the treasury
    public record DatanetUse(Bytes32 digest, boolean searched) {}

    /// A span that owns at least one token.
    ///
    /// @param rarity information content in units of 2⁻¹⁶ bit
    /// @param sourceCount how many rows it came from, copies counted once
    /// @param sources the first of them, up to the occurrence cap
    /// @param shares of every token that it owns
    public record AttributedSpan(
            int start, int length, long rarity, int sourceCount, List<Source> sources, Distribution shares) {
        public AttributedSpan {
            sources = List.copyOf(sources);
        }
    }

    public AttributionRecord {
        datanets = List.copyOf(datanets);
        targets = List.copyOf(targets);
        spans = List.copyOf(spans);
        owners = List.copyOf(owners);
        totals = List.copyOf(totals);
    }

    /// The shares of one output token.
    public Distribution sharesOf(int token) {
        int owner = owners.get(token);
        return owner >= 0 ? spans.get(owner).shares() : prior;
    }

    /// Output tokens that a span owns.
    public int evidenceTokens() {
        return (int) owners.stream().filter(owner -> owner >= 0).count();
    }

    /// The sum of the totals.
    public long wholePpm() {
        return Math.multiplyExact((long) AttributionRules.WHOLE_PPM, Math.max(1, owners.size()));
    }

    /// The canonical bytes; see docs for the layout.
    public byte[] bytes() {
        return AttributionRecordCodec.encode(this);
    }

    /// SHA-256 of the canonical bytes.
    public Bytes32 hash() {
        return Sha256.hash(bytes());
    }

    /// Reads canonical bytes.
    ///
    /// @throws IllegalArgumentException where they are no record
    public static AttributionRecord ofBytes(byte[] bytes) {
        return AttributionRecordCodec.decode(bytes);
    }
}
