package org.openlora.engine;

import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;
import org.openlora.engine.model.CausalLm;
import org.openlora.engine.model.ForwardBatch;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.kernels.AttentionBatch;
import org.openlora.kernels.LoraBatch;
import org.openlora.kernels.LoraSlot;

/// A model whose next token is a hash of all tokens before it and of the row's adapters.
///
/// It keeps a hash of each token, its adapters and all tokens before it in the block slot it is given and reads them
/// back through the block table, so a wrong slot, a block shared by mistake or a wrong adapter row changes the
/// response, as it would change a real one's.
final class FakeModel implements CausalLm {
    static final int VOCABULARY = 97;
    private static final int BLOCK_TOKENS = 4;

    private final int blocks;
    private final int contextLength;
    private final long[] cache;
    private final ToLongFunction<LoraSlot> weightsKey;
    int failuresLeft;
    /// Entries of rows that the step does not have serve nobody.
    boolean ignoreStrayRows;
    /// Sees each batch before it is computed.
    Consumer<ForwardBatch> watcher = _ -> {};
    /// The logits behind this token hold a NaN.
    int poisonedToken = -1;

    /// Knows the weights of [FakeResidency].
    FakeModel(int blocks, int contextLength) {
        this(blocks, contextLength, slot -> ((FakeResidency.Slot) slot).digest().hashCode());
    }

    /// @param weightsKey a number for an adapter's weights, asked for in every step that uses them
    FakeModel(int blocks, int contextLength, ToLongFunction<LoraSlot> weightsKey) {
        this.weightsKey = weightsKey;
        this.blocks = blocks;
        this.contextLength = contextLength;
        this.cache = new long[blocks * BLOCK_TOKENS];
    }

    @Override
    public int vocabularySize() {
        return VOCABULARY;
    }

    @Override
    public int contextLength() {
        return contextLength;
    }

    @Override
    public int slidingWindow() {
        return 0;
    }

    @Override
    public int kvBlocks() {
        return blocks;
    }

    @Override
    public int blockTokens() {
        return BLOCK_TOKENS;
    }

    @Override
    public void copyBlock(int from, int to) {
        System.arraycopy(cache, from * BLOCK_TOKENS, cache, to * BLOCK_TOKENS, BLOCK_TOKENS);
    }

    @Override
    public float[] forward(ForwardBatch batch) {
        if (failuresLeft > 0) {
            failuresLeft--;
            throw new IllegalStateException("planted fault");
        }
        watcher.accept(batch);
        long[] adapters = adaptersByRow(batch.lora(), batch.rows());
        for (int row = 0; row < batch.rows(); row++) {
            int[] table = batch.attention().blockTables()[batch.attention().sequences()[row]];
            int position = batch.attention().positions()[row];
            long before = position == 0 ? 0 : cache[slot(table, position - 1)];
            cache[batch.slotMapping()[row]] = next(before, batch.tokens()[row], adapters[row]);
        }
        float[] logits = new float[batch.logitRows().length * VOCABULARY];
        for (int i = 0; i < batch.logitRows().length; i++) {
            long state = read(batch.attention(), batch.logitRows()[i]);
            for (int id = 0; id < VOCABULARY; id++) {
                logits[i * VOCABULARY + id] = (mix(state + id) >>> 40) / (float) (1 << 24);
            }
            if (batch.tokens()[batch.logitRows()[i]] == poisonedToken) {
                logits[i * VOCABULARY + VOCABULARY / 2] = Float.NaN;
            }
        }
        return logits;
    }

    private long read(AttentionBatch attention, int row) {
        int[] table = attention.blockTables()[attention.sequences()[row]];
        long state = 0;
        for (int position = 0; position <= attention.positions()[row]; position++) {
            state = mix(state ^ cache[slot(table, position)]);
        }
        return state;
    }

    private long[] adaptersByRow(LoraBatch lora, int rows) {
        long[] adapters = new long[rows];
        for (int segment = 0; segment < lora.slots().length; segment++) {
            long key = weightsKey.applyAsLong(lora.slots()[segment]);
            for (int entry = lora.segmentStarts()[segment]; entry < lora.segmentStarts()[segment + 1]; entry++) {
                int row = lora.rows()[entry];
                if (ignoreStrayRows && row >= rows) {
                    continue;
                }
                adapters[row] = adapterKey(adapters[row], key, lora.scales()[entry]);
            }
        }
        return adapters;
    }

    /// What greedy decoding must give, computed without any cache or batch.
    static int[] expected(int[] prompt, long adapterKey, int count) {
        int[] tokens = Arrays.copyOf(prompt, prompt.length + count);
        for (int length = prompt.length; length < tokens.length; length++) {
            long state = 0;
            long kept = 0;
            for (int i = 0; i < length; i++) {
                kept = next(kept, tokens[i], adapterKey);
                state = mix(state ^ kept);
            }
            int best = 0;
            for (int id = 1; id < VOCABULARY; id++) {
                if (mix(state + id) >>> 40 > mix(state + best) >>> 40) {
                    best = id;
                }
            }
            tokens[length] = best;
        }
        return Arrays.copyOfRange(tokens, prompt.length, tokens.length);
    }

    static long adapterKey(org.openlora.adapters.Digest digest, float scale) {
        return adapterKey(0, digest.hashCode(), scale);
    }

    /// The key of a row's adapters with one more, in digest order.
    static long adapterKey(long before, long weightsKey, float scale) {
        return mix(before + weightsKey + Float.floatToIntBits(scale));
    }

    /// Of several adapters, in digest order.
    static long adapterKey(List<AdapterSelection> adapters) {
        long key = 0;
        for (AdapterSelection adapter : adapters) {
            key = adapterKey(key, adapter.digest().hashCode(), adapter.scale());
        }
        return key;
    }

    private static int slot(int[] table, int position) {
        return table[position / BLOCK_TOKENS] * BLOCK_TOKENS + position % BLOCK_TOKENS;
    }

    private static long next(long before, int token, long adapterKey) {
        return mix(before ^ mix(token + 31 * adapterKey));
    }

    private static long mix(long value) {
        long z = value + 0x9e3779b97f4a7c15L;
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }
}
