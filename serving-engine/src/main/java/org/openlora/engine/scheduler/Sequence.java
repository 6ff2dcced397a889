package org.openlora.engine.scheduler;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.engine.kv.BlockTable;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.engine.sampling.SamplingState;

/// One prompt with the response that grows behind it.
///
/// Holds its [AdapterLease] from admission to its end, also through preemption, so the weights that serve its
/// first token serve its last. Mutable; owned by the engine thread.
public final class Sequence {
    private final long id;
    private final int promptLength;
    private final SamplingParams params;
    private final SamplingState sampling;
    private final List<AdapterSelection> adapters;
    private final AdapterLease lease;
    private final BlockTable blockTable = new BlockTable();
    private int[] tokens;
    private int length;
    private int computed;
    private int discarded;

    /// @param adapters in digest order, as the lease holds them
    public Sequence(long id, int[] prompt, SamplingParams params, List<AdapterSelection> adapters, AdapterLease lease) {
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
        this.lease = lease;
        requireSameDigests(this.adapters, lease.adapters());
        this.tokens = Arrays.copyOf(prompt, prompt.length + Math.min(params.maxTokens(), 1024));
        this.length = prompt.length;
    }

    private static void requireSameDigests(List<AdapterSelection> selected, List<ResidentAdapter> leased) {
        var wanted = selected.stream().map(AdapterSelection::digest).toList();
        var held = leased.stream().map(ResidentAdapter::digest).toList();
        if (!wanted.equals(held)) {
            throw new IllegalStateException("the lease holds " + held + " but the request asked for " + wanted);
        }
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

    public AdapterLease lease() {
        return lease;
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

    /// Tokens whose keys and values were computed and then given up by preemption.
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

    /// Notes that the next `count` tokens went through the model.
    void advance(int count) {
        computed += count;
        if (computed > length) {
            throw new IllegalStateException("sequence " + id + " computed " + computed + " of " + length + " tokens");
        }
    }

    /// Forgets the computed keys and values; they are computed again when there is room.
    void rewind() {
        discarded += computed;
        computed = 0;
    }

    @Override
    public String toString() {
        return "Sequence[" + id + ", " + promptLength + "+" + generated() + " tokens, " + computed + " computed]";
    }
}
