package org.openlora.engine.scheduler;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.Digest;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.engine.kv.BlockHasher;
import org.openlora.engine.kv.BlockNames;
import org.openlora.engine.kv.BlockTable;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.engine.sampling.SamplingState;
import org.openlora.meter.evm.Bytes32;

/// One prompt with the response that grows behind it.
///
/// Its [AdapterLease] is held from admission to its end, also through preemption, so the weights that serve its
/// first token serve its last. Mutable; owned by the engine thread.
public final class Sequence {
    private final long id;
    private final int promptLength;
    private final SamplingParams params;
    private final SamplingState sampling;
    private final List<AdapterSelection> adapters;
    private final long[] tags; // by place among the adapters
    private final float[] scales;
    private final AdapterLease lease;
    private final ServiceTerms terms;
    private final BlockNames blockNames;
    private final BlockTable blockTable = new BlockTable();
    private final Turn turn = new Turn();
    private int[] tokens;
    private int length;
    private int computed;
    private int lost;
    private int cached;
    private int discarded;
    private int published;

    /// @param adapters in digest order, as the lease holds them
    /// @param prefixSeed sequences of equal seeds may share blocks: stands for base, adapters and cache salt
    public Sequence(
            long id,
            int[] prompt,
            SamplingParams params,
            List<AdapterSelection> adapters,
            AdapterLease lease,
            ServiceTerms terms,
            Bytes32 prefixSeed) {
        if (prompt.length == 0) {
            throw new IllegalArgumentException("the prompt has no tokens: at least one is needed");
        }
        this.id = id;
        this.promptLength = prompt.length;
        this.params = params;
        this.sampling = new SamplingState(params, 0, prompt);
        this.adapters = adapters.stream()
                .sorted(Comparator.comparing(AdapterSelection::digest))
                .toList();
        this.tags = this.adapters.stream()
                .mapToLong(adapter -> adapter.digest().tag())
                .toArray();
        this.scales = new float[tags.length];
        for (int place = 0; place < tags.length; place++) {
            scales[place] = this.adapters.get(place).scale();
        }
        this.lease = lease;
        this.terms = terms;
        this.blockNames = new BlockNames(prefixSeed);
        requireSameDigests(this.adapters, lease.adapters());
        this.tokens = Arrays.copyOf(prompt, prompt.length + Math.min(params.maxTokens(), 1024));
        this.length = prompt.length;
    }

    private Sequence(Sequence parent, long id, int choice) {
        this.id = id;
        this.promptLength = parent.promptLength;
        this.params = parent.params;
        this.sampling = new SamplingState(params, choice, parent.promptTokens());
        this.adapters = parent.adapters;
        this.tags = parent.tags;
        this.scales = parent.scales;
        this.lease = parent.lease;
        this.terms = parent.terms;
        this.blockNames = parent.blockNames.fork();
        this.tokens = parent.tokens.clone();
        this.length = parent.promptLength;
        this.computed = parent.promptLength;
        this.cached = parent.promptLength;
        this.published = parent.published;
    }

    private static void requireSameDigests(List<AdapterSelection> selected, List<ResidentAdapter> leased) {
        var wanted = selected.stream().map(AdapterSelection::digest).toList();
        var held = leased.stream().map(ResidentAdapter::digest).toList();
        if (!wanted.equals(held)) {
            throw new IllegalStateException("the lease holds " + held + " but the request asked for " + wanted);
        }
    }

    /// Where a sequence stands in the scheduler's order.
    static final class Turn {
        FairShares.@Nullable Account account;
        long arrival;
        int overtaken; // later sequences of the tenant that were admitted since it waits
        boolean charged;
        boolean preempted;

        FairShares.Account account() {
            if (account == null) {
                throw new IllegalStateException("the sequence was not added");
            }
            return account;
        }
    }

    /// Another response to the same prompt, whose keys and values are computed and shared.
    ///
    /// @param choice which of the request's responses it is
    Sequence fork(long otherId, int choice) {
        if (length != promptLength || computed != promptLength) {
            throw new IllegalStateException(this + " is forked: only a computed prompt without a response can be");
        }
        return new Sequence(this, otherId, choice);
    }

    public long id() {
        return id;
    }

    public SamplingParams params() {
        return params;
    }

    /// What the next draw depends on besides the logits.
    public SamplingState sampling() {
        return sampling;
    }

    /// In digest order; the same order as the lease's adapters.
    public List<AdapterSelection> adapters() {
        return adapters;
    }

    /// [Tag][Digest#tag] of the adapter at `place` of [#adapters].
    public long tag(int place) {
        return tags[place];
    }

    /// Scale of the adapter at `place` of [#adapters].
    public float scale(int place) {
        return scales[place];
    }

    public AdapterLease lease() {
        return lease;
    }

    public ServiceTerms terms() {
        return terms;
    }

    public BlockTable blockTable() {
        return blockTable;
    }

    /// Prompt and generated tokens.
    public int length() {
        return length;
    }

    public int promptLength() {
        return promptLength;
    }

    public int generated() {
        return length - promptLength;
    }

    /// Tokens whose keys and values are in the cache.
    public int computed() {
        return computed;
    }

    /// Prompt tokens that were found computed when the sequence was first admitted.
    public int cached() {
        return cached;
    }

    /// Tokens that were computed again because a preemption gave up their keys and values.
    public int discarded() {
        return discarded;
    }

    public int token(int position) {
        if (position >= length) {
            throw new IndexOutOfBoundsException("token " + position + " of " + length);
        }
        return tokens[position];
    }

    public int[] promptTokens() {
        return Arrays.copyOf(tokens, promptLength);
    }

    public int[] outputTokens() {
        return Arrays.copyOfRange(tokens, promptLength, length);
    }

    /// Adds a generated token; its keys and values are still to be computed.
    public void append(int token) {
        if (length == tokens.length) {
            tokens = Arrays.copyOf(tokens, length * 2);
        }
        tokens[length++] = token;
        sampling.accept(token);
    }

    Turn turn() {
        return turn;
    }

    List<Digest> adapterDigests() {
        return adapters.stream().map(AdapterSelection::digest).toList();
    }

    /// Tokens still to be computed.
    int missing() {
        return length - computed;
    }

    /// Name of its full block `index`.
    Bytes32 blockName(int index, BlockHasher hasher) {
        return blockNames.name(index, tokens, hasher);
    }

    /// Full blocks that were offered to the prefix cache.
    int published() {
        return published;
    }

    void published(int blocks) {
        published = blocks;
    }

    /// Notes that `found` leading tokens need not be computed.
    ///
    /// @param foundBlocks the blocks that they fill
    void admit(int found, int foundBlocks) {
        if (turn.preempted) {
            discarded += Math.max(0, lost - found);
        } else {
            cached = Math.min(found, promptLength);
        }
        lost = 0;
        computed = found;
        published = foundBlocks;
    }

    /// Notes that the next `count` tokens went through the model.
    void advance(int count) {
        computed += count;
        if (computed > length) {
            throw new IllegalStateException("sequence " + id + " computed " + computed + " of " + length + " tokens");
        }
    }

    /// Forgets the computed keys and values; they are computed again when there is room, or found in the cache.
    void rewind() {
        turn.preempted = true;
        lost = computed;
        computed = 0;
        published = 0;
    }

    @Override
    public String toString() {
        return "Sequence[" + id + ", " + promptLength + "+" + generated() + " tokens, " + computed + " computed]";
    }
}
