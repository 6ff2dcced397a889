package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.Arena;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PagedAttentionTest {
    private static final WorkerPool ONE = new WorkerPool(1);
    private static final WorkerPool TWO = new WorkerPool(2);

    @AfterAll
    static void closePools() {
        ONE.close();
        TWO.close();
    }

    /// Heads, KV heads, head dimension, tokens per block, window: groups of 1, 2, 3, 4 and 7; padded and whole
    /// panels.
    @ParameterizedTest
    @CsvSource({
        "1,1,16,16,0",
        "4,2,64,16,0",
        "9,3,64,16,0",
        "8,2,128,32,0",
        "7,1,20,48,0",
        "4,2,64,16,1",
        "9,3,64,16,37",
        "6,2,30,32,19",
        "4,4,96,16,64"
    })
    void attend_wholePrompt_isNearTheReference(int heads, int kvHeads, int headDim, int blockTokens, int window) {
        int tokens = 75;
        try (Prompt prompt = new Prompt(heads, kvHeads, headDim, blockTokens, window, tokens)) {
            float[] actual = prompt.attendAll(TWO, tokens);
            float[] expected = new float[actual.length];
            for (int row = 0; row < tokens; row++) {
                int first = window == 0 ? 0 : Math.max(0, row - window + 1);
                for (int h = 0; h < heads; h++) {
                    float[] out = ReferenceKernels.attention(
                            Data.row(prompt.query(row), h, headDim),
                            prompt.keys(h / (heads / kvHeads)),
                            prompt.values(h / (heads / kvHeads)),
                            headDim,
                            first,
                            row,
                            1 / Math.sqrt(headDim));
                    System.arraycopy(out, 0, expected, (row * heads + h) * headDim, headDim);
                }
            }
            Tolerance.ATTENTION.check("attention", actual, expected);
        }
    }

    @ParameterizedTest
    @CsvSource({"9,3,64,16,0", "6,2,30,32,19", "8,2,128,16,40"})
    void attend_chunkedOrOnOtherThreads_hasTheSameBits(
            int heads, int kvHeads, int headDim, int blockTokens, int window) {
        int tokens = 75;
        try (Prompt prompt = new Prompt(heads, kvHeads, headDim, blockTokens, window, tokens)) {
            float[] whole = prompt.attendAll(TWO, tokens);
            for (int chunk : new int[] {1, 7, 33}) {
                assertThat(prompt.attendAll(TWO, chunk))
                        .as("chunks of %s", chunk)
                        .isEqualTo(whole);
            }
            assertThat(prompt.attendAll(ONE, tokens)).isEqualTo(whole);
        }
    }

    /// Contexts of several splits: the last token alone, whose splits are shared out, in chunks, and in the prompt.
    @ParameterizedTest
    @CsvSource({"3,1,32,16,0", "4,2,64,48,0", "2,1,16,16,300"})
    void attend_contextOfManySplits_isNearTheReferenceWithTheSameBits(
            int heads, int kvHeads, int headDim, int blockTokens, int window) {
        int tokens = 3 * AttentionPlan.SPLIT_TOKENS + 17;
        try (Prompt prompt = new Prompt(heads, kvHeads, headDim, blockTokens, window, tokens)) {
            float[] whole = prompt.attendAll(TWO, tokens);
            assertThat(prompt.attendAll(TWO, 1)).isEqualTo(whole);
            assertThat(prompt.attendAll(ONE, 100)).isEqualTo(whole);
            int row = tokens - 1;
            int first = window == 0 ? 0 : tokens - window;
            for (int h = 0; h < heads; h++) {
                int kvHead = h / (heads / kvHeads);
                float[] expected = ReferenceKernels.attention(
                        Data.row(prompt.query(row), h, headDim),
                        prompt.keys(kvHead),
                        prompt.values(kvHead),
                        headDim,
                        first,
                        row,
                        1 / Math.sqrt(headDim));
                Tolerance.ATTENTION.check("head " + h, Data.row(whole, row * heads + h, headDim), expected);
            }
        }
    }

    /// What is stored is what [Bf16] rounds to, whatever stands beside it.
    @Test
    void write_anyNumbers_roundsThemToNearest() {
        // Ties below and above an even number, just past a tie, the largest, a subnormal, NaN, -0 and a whole.
        int[] bits = {0x3f808000, 0x3f818000, 0xbf808001, 0x7f7fffff, 0x00012345, 0x7f800001, 0x80000000, 0x477fe000};
        float[] numbers = new float[bits.length];
        for (int i = 0; i < bits.length; i++) {
            numbers[i] = Float.intBitsToFloat(bits[i]);
        }
        int headDim = numbers.length;
        try (Arena arena = Arena.ofShared()) {
            KvLayout layout = new KvLayout(1, 1, headDim, 16);
            KvPages pages = new KvPages(arena, layout, 1);
            PagedAttention attention = new PagedAttention(ONE, layout, 1);
            attention.write(pages, 0, new int[] {5}, numbers, headDim, 0, numbers, headDim, 0);
            for (int d = 0; d < headDim; d++) {
                short expected = Bf16.fromFloat(numbers[d]);
                long key = layout.keyOffset(0, 0, 0, 5)
                        + d % (headDim / 2) * layout.keyStepBytes()
                        + d / (headDim / 2) * (long) Bf16.BYTES;
                assertThat(pages.memory().get(LoraModule.BF16, key)).isEqualTo(expected);
                long value = layout.valueOffset(0, 0, 0, 5)
                        + d / Lanes.PANEL * layout.valuePanelBytes()
                        + LoraModule.pairedBytes(d % Lanes.PANEL);
                assertThat(pages.memory().get(LoraModule.BF16, value)).isEqualTo(expected);
            }
        }
    }

    @Test
    void newLayout_oddHeadDimOrBlock_isRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new KvLayout(1, 1, 63, 16))
                .withMessage("headDim is 63, must be a multiple of 2");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new KvLayout(1, 1, 64, 24))
                .withMessage("blockTokens is 24, must be a multiple of 16");
    }

    /// Two sequences in one batch, in interleaved blocks, against each alone in blocks of its own.
    @Test
    void attend_sequencesShareABatch_eachHasTheBitsItHasAlone() {
        KvLayout layout = new KvLayout(2, 2, 64, 16);
        int tokens = 50;
        int width = 2 * 64;
        float[] k = Data.floats(1, 2 * tokens * width);
        float[] v = Data.floats(2, 2 * tokens * width);
        float[] q = Data.floats(3, 2 * 4 * 64);
        try (Arena arena = Arena.ofShared()) {
            PagedAttention attention = new PagedAttention(TWO, layout, 4);
            int[][] tables = {{0, 2, 4, 6}, {7, 5, 3, 1}};
            KvPages shared = new KvPages(arena, layout, 8);
            for (int s = 0; s < 2; s++) {
                attention.write(
                        shared,
                        1,
                        slots(tables[s], tokens, 16),
                        rows(k, s, tokens * width),
                        width,
                        0,
                        rows(v, s, tokens * width),
                        width,
                        0);
            }
            float[] both = new float[2 * 4 * 64];
            int[] positions = {tokens - 1, 20};
            attention.attend(
                    shared, 1, new AttentionBatch(positions, new int[] {0, 1}, tables, 0), q, 4 * 64, 0, 0.125f, both);
            for (int s = 0; s < 2; s++) {
                KvPages own = new KvPages(arena, layout, 4);
                int[][] table = {{0, 1, 2, 3}};
                attention.write(
                        own,
                        1,
                        slots(table[0], tokens, 16),
                        rows(k, s, tokens * width),
                        width,
                        0,
                        rows(v, s, tokens * width),
                        width,
                        0);
                float[] alone = new float[4 * 64];
                AttentionBatch batch = new AttentionBatch(new int[] {positions[s]}, new int[] {0}, table, 0);
                attention.attend(own, 1, batch, rows(q, s, 4 * 64), 4 * 64, 0, 0.125f, alone);
                assertThat(alone).as("sequence %s", s).isEqualTo(rows(both, s, 4 * 64));
            }
        }
    }

    /// What an earlier owner of a block left in later slots, even NaN, is not seen.
    @Test
    void attend_stalePagesBehindThePosition_areNotRead() {
        KvLayout layout = new KvLayout(1, 1, 32, 16);
        try (Arena arena = Arena.ofShared()) {
            PagedAttention attention = new PagedAttention(ONE, layout, 1);
            KvPages pages = new KvPages(arena, layout, 1);
            float[] stale = new float[16 * 32];
            Arrays.fill(stale, Float.NaN);
            attention.write(pages, 0, slots(new int[] {0}, 16, 16), stale, 32, 0, stale, 32, 0);
            float[] kv = Data.bf16Floats(1, 32);
            attention.write(pages, 0, new int[] {0}, kv, 32, 0, kv, 32, 0);
            float[] out = new float[32];
            AttentionBatch batch = new AttentionBatch(new int[] {0}, new int[] {0}, new int[][] {{0}}, 0);
            attention.attend(pages, 0, batch, kv, 32, 0, 1, out);
            assertThat(out).isEqualTo(kv);
        }
    }

    @Test
    void write_fusedBufferAndSkippedRow_storesTheRest() {
        KvLayout layout = new KvLayout(1, 1, 4, 16);
        try (Arena arena = Arena.ofShared()) {
            PagedAttention attention = new PagedAttention(ONE, layout, 1);
            KvPages pages = new KvPages(arena, layout, 2);
            float[] qkv = Data.bf16Floats(1, 2 * 12);
            attention.write(pages, 0, new int[] {-1, 16}, qkv, 12, 4, qkv, 12, 8);
            float[] out = new float[4];
            AttentionBatch batch = new AttentionBatch(new int[] {0}, new int[] {0}, new int[][] {{1}}, 0);
            attention.attend(pages, 0, batch, qkv, 12, 0, 1, out);
            assertThat(out).isEqualTo(Arrays.copyOfRange(qkv, 20, 24));
        }
    }

    @Test
    void new_headsNotAMultipleOfKvHeads_isRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new PagedAttention(ONE, new KvLayout(1, 2, 8, 16), 3))
                .withMessage("heads is 3, must be a multiple of 2 KV heads");
    }

    @Test
    void attend_badOperands_areRefusedByName() {
        KvLayout layout = new KvLayout(1, 1, 8, 16);
        try (Arena arena = Arena.ofShared()) {
            PagedAttention attention = new PagedAttention(ONE, layout, 1);
            KvPages pages = new KvPages(arena, layout, 2);
            float[] q = new float[8];
            float[] out = new float[8];
            int[] zero = {0};
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> attention.attend(
                            pages, 0, new AttentionBatch(new int[] {16}, zero, new int[][] {{0}}, 0), q, 8, 0, 1, out))
                    .withMessage("block table of sequence 0 has 1 blocks, position 16 needs 2");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> attention.attend(
                            pages, 0, new AttentionBatch(zero, zero, new int[][] {{2}}, 0), q, 8, 0, 1, out))
                    .withMessage("block table of sequence 0 names block 2 of 2");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> attention.attend(
                            pages, 1, new AttentionBatch(zero, zero, new int[][] {{0}}, 0), q, 8, 0, 1, out))
                    .withMessage("layer 1 is not in [0, 1)");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> attention.attend(
                            pages, 0, new AttentionBatch(zero, zero, new int[][] {{0}}, 0), q, 8, 1, 1, out))
                    .withMessage("q holds 8 floats, needs 1 rows of stride 8 with 8 floats from offset 1");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> attention.write(pages, 0, new int[] {32}, q, 8, 0, q, 8, 0))
                    .withMessage("slot 32 of row 0 is not in the 2 blocks of 16 tokens");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new AttentionBatch(zero, new int[] {1}, new int[][] {{0}}, 0))
                    .withMessage("row 0 names sequence 1 of 1");
        }
    }

    private static float[] rows(float[] matrix, int index, int floats) {
        return Data.row(matrix, index, floats);
    }

    private static int[] slots(int[] table, int tokens, int blockTokens) {
        int[] slots = new int[tokens];
        Arrays.setAll(slots, t -> table[t / blockTokens] * blockTokens + t % blockTokens);
        return slots;
    }

    /// One sequence in a fused q | k | v buffer, in blocks that do not follow each other.
    private static final class Prompt implements AutoCloseable {
        private final Arena arena = Arena.ofShared();
        private final KvLayout layout;
        private final int heads;
        private final int window;
        private final int tokens;
        private final int stride;
        private final float[] qkv;
        private final int[] table;

        Prompt(int heads, int kvHeads, int headDim, int blockTokens, int window, int tokens) {
            this.layout = new KvLayout(2, kvHeads, headDim, blockTokens);
            this.heads = heads;
            this.window = window;
            this.tokens = tokens;
            this.stride = (heads + 2 * kvHeads) * headDim;
            this.qkv = Data.bf16Floats(heads, tokens * stride);
            int blocks = (tokens + blockTokens - 1) / blockTokens;
            this.table = new int[blocks];
            Arrays.setAll(table, b -> (b + blocks / 2) % blocks);
        }

        /// Writes and attends `chunk` tokens at a time, into fresh pages.
        float[] attendAll(WorkerPool pool, int chunk) {
            PagedAttention attention = new PagedAttention(pool, layout, heads);
            KvPages pages = new KvPages(arena, layout, table.length);
            int[] slots = slots(table, tokens, layout.blockTokens());
            int width = heads * layout.headDim();
            float[] out = new float[tokens * width];
            for (int first = 0; first < tokens; first += chunk) {
                int rows = Math.min(chunk, tokens - first);
                float[] part = Arrays.copyOfRange(qkv, first * stride, (first + rows) * stride);
                int keyOffset = width;
                int valueOffset = width + layout.kvHeads() * layout.headDim();
                int[] mapping = Arrays.copyOfRange(slots, first, first + rows);
                attention.write(pages, 1, mapping, part, stride, keyOffset, part, stride, valueOffset);
                int[] positions = new int[rows];
                int start = first;
                Arrays.setAll(positions, i -> start + i);
                AttentionBatch batch = new AttentionBatch(positions, new int[rows], new int[][] {table}, window);
                float[] partOut = new float[rows * width];
                float scale = (float) (1 / Math.sqrt(layout.headDim()));
                attention.attend(pages, 1, batch, part, stride, 0, scale, partOut);
                System.arraycopy(partOut, 0, out, first * width, rows * width);
            }
            return out;
        }

        float[] query(int row) {
            return Arrays.copyOfRange(qkv, row * stride, row * stride + heads * layout.headDim());
        }

        float[] keys(int kvHead) {
            return column((heads + kvHead) * layout.headDim());
        }

        float[] values(int kvHead) {
            return column((heads + layout.kvHeads() + kvHead) * layout.headDim());
        }

        private float[] column(int offset) {
            float[] column = new float[tokens * layout.headDim()];
            for (int t = 0; t < tokens; t++) {
                System.arraycopy(qkv, t * stride + offset, column, t * layout.headDim(), layout.headDim());
            }
            return column;
        }

        @Override
        public void close() {
            arena.close();
        }
    }
}
