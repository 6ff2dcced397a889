package org.openlora.engine.weights;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/// Small models as GGUF.
final class TinyGguf {
    private static final int BF16 = 30;

    private TinyGguf() {}

    static GgufBytes llama() {
        return llama(10_000);
    }

    static GgufBytes llama(float ropeTheta) {
        GgufBytes file = header("llama", 16, 24, 2, 4, 1, 8).f32("llama.rope.freq_base", ropeTheta);
        Random random = new Random(1);
        tensor(file, random, "token_embd.weight", 16, 11);
        tensor(file, random, "blk.0.attn_norm.weight", 16);
        tensor(file, random, "blk.0.attn_q.weight", 16, 32);
        tensor(file, random, "blk.0.attn_k.weight", 16, 16);
        tensor(file, random, "blk.0.attn_v.weight", 16, 16);
        tensor(file, random, "blk.0.attn_output.weight", 32, 16);
        tensor(file, random, "blk.0.ffn_norm.weight", 16);
        tensor(file, random, "blk.0.ffn_gate.weight", 16, 24);
        tensor(file, random, "blk.0.ffn_up.weight", 16, 24);
        tensor(file, random, "blk.0.ffn_down.weight", 24, 16);
        tensor(file, random, "output_norm.weight", 16);
        return file;
    }

    private static GgufBytes header(
            String architecture, int hidden, int inner, int kvHeads, int heads, int layers, int headDim) {
        String prefix = architecture + ".";
        return new GgufBytes()
                .string("general.architecture", architecture)
                .u32(prefix + "block_count", layers)
                .u32(prefix + "context_length", 128)
                .u32(prefix + "embedding_length", hidden)
                .u32(prefix + "feed_forward_length", inner)
                .u32(prefix + "attention.head_count", heads)
                .u32(prefix + "attention.head_count_kv", kvHeads)
                .u32(prefix + "attention.key_length", headDim)
                .f32(prefix + "attention.layer_norm_rms_epsilon", 1e-5f)
                .u32("tokenizer.ggml.eos_token_id", 2);
    }

    private static void tensor(GgufBytes file, Random random, String name, long... dimensions) {
        int values = 1;
        for (long dimension : dimensions) {
            values *= (int) dimension;
        }
        byte[] bytes = new byte[4 * values];
        for (int i = 0; i < values; i++) {
            int bits = Float.floatToRawIntBits(random.nextFloat() - 0.5f);
            System.arraycopy(GgufBytes.le(4, bits), 0, bytes, 4 * i, 4);
        }
        file.tensor(name, 0, bytes, dimensions);
    }

    /// The same model as an open checkpoint, in the form that converters give it: their names, and for llama
    /// their order of query and key rows.
    static GgufBytes converted(BaseCheckpoint checkpoint) {
        ModelConfig config = checkpoint.config();
        String architecture = config.architecture() == Architecture.MISTRAL
                ? "llama"
                : config.architecture().id();
        GgufBytes file = header(
                        architecture,
                        config.hiddenSize(),
                        config.intermediateSize(),
                        config.kvHeads(),
                        config.heads(),
                        config.layers(),
                        config.headDim())
                .u32(architecture + ".vocab_size", config.vocabularySize());
        try (Arena arena = Arena.ofShared()) {
            for (ExpectedTensor tensor : ExpectedTensor.of(config)) {
                byte[] bytes = checkpoint.bf16(tensor.name(), arena).toArray(ValueLayout.JAVA_BYTE);
                if (architecture.equals("llama") && tensor.permutedHeads() > 0) {
                    bytes = permuted(bytes, tensor.permutedHeads(), config.headDim());
                }
                long[] dimensions = tensor.shape().reversed().stream()
                        .mapToLong(Long::longValue)
                        .toArray();
                file.tensor(tensor.ggufName(), BF16, bytes, dimensions);
            }
        }
        return file;
    }

    /// The converters' own formula: view as (heads, 2, headDim/2, rest) and swap the two axes in the middle.
    private static byte[] permuted(byte[] rows, int heads, int headDim) {
        int rowBytes = rows.length / (heads * headDim);
        byte[] result = new byte[rows.length];
        for (int head = 0; head < heads; head++) {
            for (int half = 0; half < 2; half++) {
                for (int i = 0; i < headDim / 2; i++) {
                    int from = head * headDim + half * headDim / 2 + i;
                    int to = head * headDim + i * 2 + half;
                    System.arraycopy(rows, from * rowBytes, result, to * rowBytes, rowBytes);
                }
            }
        }
        return result;
    }
}
