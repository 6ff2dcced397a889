package org.openlora.engine.model;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.BaseWeights;
import org.openlora.adapters.LlamaModules;
import org.openlora.adapters.ModuleShape;
import org.openlora.engine.tensor.LibtorchKernel;
import org.openlora.engine.tensor.MatrixPacker;
import org.openlora.engine.weights.BaseCheckpoint;
import org.openlora.engine.weights.ModelConfig;
import org.openlora.kernels.Bf16;
import org.openlora.kernels.DoraKernel;
import org.openlora.kernels.Elementwise;
import org.openlora.kernels.EmbeddingLoraKernel;
import org.openlora.kernels.KvLayout;
import org.openlora.kernels.KvPages;
import org.openlora.kernels.LinearKernel;
import org.openlora.kernels.LoraBatch;
import org.openlora.kernels.LoraKernel;
import org.openlora.kernels.LoraLayout;
import org.openlora.kernels.LoraPoint;
import org.openlora.kernels.PackedMatrix;
import org.openlora.kernels.PagedAttention;
import org.openlora.kernels.PanelKernel;
import org.openlora.kernels.Rope;
import org.openlora.kernels.SavedModulesKernel;
import org.openlora.kernels.WorkerPool;

/// The Llama family's decoder (Llama 2/3, SmolLM2, Mistral) and its close relatives Qwen2 (biases on q, k, v) and
/// Qwen3 (normalised heads), over a paged key/value cache.
///
/// Weights are bfloat16 or int8, activations and sums float32, keys and values bfloat16. The weights live in this
/// object's arena, packed for the chosen kernel; the embedding is read from the checkpoint in place. The engine
/// thread calls [#forward]; [#close] frees everything once that thread has ended.
public final class LlamaModel implements CausalLm, AutoCloseable {
    /// Tokens of one key/value block.
    public static final int BLOCK_TOKENS = 16;

    /// Name of the output head among the packed matrices.
    private static final String HEAD = "head";

    private final ModelConfig config;
    private final Arena arena;
    private final Kernels kernels;
    private final MemorySegment embedding; // bf16 [vocab, hidden]
    private final List<DecoderLayer> layers;
    private final float[] finalNorm;
    private final LinearKernel headKernel;
    private final PackedMatrix head;
    private final KvPages pages;
    private final int kvBlocks;
    private final Workspace scratch;
    private float[] logits = new float[0];
    private float[] headInput = new float[0];

    private LlamaModel(
            ModelConfig config,
            Arena arena,
            Kernels kernels,
            MemorySegment embedding,
            List<DecoderLayer> layers,
            float[] finalNorm,
            LinearKernel headKernel,
            PackedMatrix head,
            KvPages pages,
            int kvBlocks,
            Workspace scratch) {
        this.config = config;
        this.arena = arena;
        this.kernels = kernels;
        this.embedding = embedding;
        this.layers = layers;
        this.finalNorm = finalNorm;
        this.headKernel = headKernel;
        this.head = head;
        this.pages = pages;
        this.kvBlocks = kvBlocks;
        this.scratch = scratch;
    }

    /// As [#load(BaseCheckpoint, LinearKernel, MatrixPacker, WorkerPool, long, int)], with every matrix packed anew.
    public static LlamaModel load(
            BaseCheckpoint checkpoint, LinearKernel linear, WorkerPool pool, long kvCacheBytes, int maxRows) {
        return load(checkpoint, linear, MatrixPacker.direct(), pool, kvCacheBytes, maxRows);
    }

    /// Packs a checkpoint's weights and lays out the cache.
    ///
    /// The output head is always multiplied by our own panels: libtorch rounds what it returns to bf16, which at
    /// a logit of 20 is a step of 0.125, enough to change a greedy token. With int8 weights the head is int8 too:
    /// it is a fifth of a small model's bytes, all of them read for every token.
    ///
    /// @param linear multiplies the layers' weights
    /// @param matrices brings them into the kernel's layout
    /// @param checkpoint stays open as long as the model: its embedding is read in place
    /// @param pool computes the kernels; used by the engine thread only from then on
    /// @param kvCacheBytes memory of the key/value cache, at least one block
    /// @param maxRows most rows of one step
    /// @throws IllegalArgumentException if the cache would not hold one block
    public static LlamaModel load(
            BaseCheckpoint checkpoint,
            LinearKernel linear,
            MatrixPacker matrices,
            WorkerPool pool,
            long kvCacheBytes,
            int maxRows) {
        ModelConfig config = checkpoint.config();
        KvLayout layout = new KvLayout(config.layers(), config.kvHeads(), config.headDim(), BLOCK_TOKENS);
        int kvBlocks = Math.toIntExact(Math.min(kvCacheBytes / layout.blockBytes(), Integer.MAX_VALUE / BLOCK_TOKENS));
        if (kvBlocks < 1) {
            throw new IllegalArgumentException("the key/value cache has " + kvCacheBytes + " bytes: one block of "
                    + BLOCK_TOKENS + " tokens needs " + layout.blockBytes());
        }
        Arena arena = Arena.ofShared();
        try {
            Kernels kernels = new Kernels(
                    linear,
                    new DoraKernel(pool),
                    new LoraKernel(pool, linear.loraLayout()),
                    new EmbeddingLoraKernel(linear.loraLayout()),
                    new SavedModulesKernel(pool),
                    new PagedAttention(pool, layout, config.heads()),
                    new Elementwise(pool),
                    Rope.of(config.headDim(), config.contextLength(), config.ropeTheta(), config.ropeScaling()));
            // One row of each sequence: too few for libtorch's blocks.
            LinearKernel headKernel = linear instanceof LibtorchKernel ? new PanelKernel(pool) : linear;
            Packer packer =
                    new Packer(checkpoint, adaptableModules(checkpoint, linear.loraLayout()), kernels, matrices, arena);
            List<DecoderLayer> layers = new ArrayList<>();
            for (int layer = 0; layer < config.layers(); layer++) {
                layers.add(packer.layer(layer));
            }
            PackedMatrix head = packer.head(headKernel);
            matrices.finish();
            return new LlamaModel(
                    config,
                    arena,
                    kernels,
                    checkpoint.bf16("model.embed_tokens.weight", arena),
                    layers,
                    checkpoint.f32("model.norm.weight"),
                    headKernel,
                    head,
                    new KvPages(arena, layout, kvBlocks),
                    kvBlocks,
                    new Workspace(config, maxRows));
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    /// The base as adapters see it: its identity, and the modules they can change.
    ///
    /// @param loraLayout of the kernels that will serve them
    public static BaseWeights adaptableModules(BaseCheckpoint checkpoint, LoraLayout loraLayout) {
        ModelConfig config = checkpoint.config();
        return new LlamaModules(
                checkpoint.digest(),
                config.layers(),
                config.hiddenSize(),
                config.heads(),
                config.kvHeads(),
                config.headDim(),
                config.intermediateSize(),
                config.vocabularySize(),
                config.tiedEmbeddings(),
                loraLayout,
                checkpoint::bf16);
    }

    /// How adapters must lie in memory.
    public LoraLayout loraLayout() {
        return kernels.linear().loraLayout();
    }

    public ModelConfig config() {
        return config;
    }

    @Override
    public int vocabularySize() {
        return config.vocabularySize();
    }

    @Override
    public int contextLength() {
        return config.contextLength();
    }

    @Override
    public int slidingWindow() {
        return config.slidingWindow();
    }

    @Override
    public int kvBlocks() {
        return kvBlocks;
    }

    @Override
    public int blockTokens() {
        return BLOCK_TOKENS;
    }

    @Override
    public void copyBlock(int from, int to) {
        pages.copyBlock(from, to);
    }

    @Override
    public float[] forward(ForwardBatch batch) {
        if (batch.rows() > scratch.rows()) {
            throw new IllegalArgumentException("a step of " + batch.rows() + " rows: allowed is " + scratch.rows());
        }
        embed(batch.tokens(), batch.lora());
        for (DecoderLayer layer : layers) {
            layer.forward(batch, pages, scratch);
        }
        return project(batch.logitRows(), batch.lora());
    }

    private void embed(int[] tokens, LoraBatch lora) {
        int width = config.hiddenSize();
        for (int row = 0; row < tokens.length; row++) {
            if (tokens[row] < 0 || tokens[row] >= config.vocabularySize()) {
                throw new IllegalArgumentException(
                        "token " + tokens[row] + ": allowed is 0 to " + (config.vocabularySize() - 1));
            }
            long from = (long) tokens[row] * width * Bf16.BYTES;
            Bf16.toFloats(embedding, from, width, scratch.hidden, row * width);
        }
        kernels.savedModules().embed(lora, tokens, scratch.hidden, width);
        kernels.dora().apply(lora, 0, LoraPoint.EMBEDDING, scratch.hidden, width);
        kernels.embeddingLora().apply(lora, tokens, scratch.hidden, width);
    }

    private float[] project(int[] rows, LoraBatch lora) {
        int width = config.hiddenSize();
        if (headInput.length < rows.length * width) {
            headInput = new float[rows.length * width];
            logits = new float[rows.length * config.vocabularySize()];
        }
        for (int i = 0; i < rows.length; i++) {
            System.arraycopy(scratch.hidden, rows[i] * width, headInput, i * width, width);
        }
        if (rows.length > 0) {
            kernels.elementwise()
                    .rmsNorm(headInput, rows.length, width, finalNorm, (float) config.rmsNormEps(), scratch.normed);
            headKernel.multiply(head, scratch.normed, rows.length, logits);
            if (lora.reaches(0, LoraPoint.LM_HEAD) || kernels.savedModules().hasHead(lora)) {
                adaptHead(lora.onlyRows(rows));
            }
        }
        return logits;
    }

    private void adaptHead(LoraBatch lora) {
        int outputs = config.vocabularySize();
        kernels.savedModules().project(lora, scratch.normed, config.hiddenSize(), logits, outputs);
        kernels.dora().apply(lora, 0, LoraPoint.LM_HEAD, logits, outputs);
        kernels.lora().apply(lora, 0, LoraPoint.LM_HEAD, scratch.normed, config.hiddenSize(), logits, outputs);
    }

    @Override
    public void close() {
        arena.close();
    }

    /// Reads a checkpoint's tensors, stacks what is multiplied together, and packs it.
    private record Packer(
            BaseCheckpoint checkpoint, BaseWeights modules, Kernels kernels, MatrixPacker matrices, Arena arena) {
        DecoderLayer layer(int layer) {
            ModelConfig config = checkpoint.config();
            String prefix = "model.layers." + layer + ".";
            String attention = prefix + "self_attn.";
            LoraLinear qkv = linear(
                    layer, LoraPoint.QKV, List.of(attention + "q_proj", attention + "k_proj", attention + "v_proj"));
            LoraLinear output = linear(layer, LoraPoint.O, List.of(attention + "o_proj"));
            LoraLinear gateUp =
                    linear(layer, LoraPoint.GATE_UP, List.of(prefix + "mlp.gate_proj", prefix + "mlp.up_proj"));
            LoraLinear down = linear(layer, LoraPoint.DOWN, List.of(prefix + "mlp.down_proj"));
            return new DecoderLayer(
                    kernels,
                    config,
                    checkpoint.f32(prefix + "input_layernorm.weight"),
                    new SelfAttention(
                            kernels,
                            config,
                            layer,
                            qkv,
                            output,
                            optional(attention + "q_norm.weight"),
                            optional(attention + "k_norm.weight")),
                    checkpoint.f32(prefix + "post_attention_layernorm.weight"),
                    new GatedMlp(kernels, config.intermediateSize(), gateUp, down));
        }

        PackedMatrix head(LinearKernel kernel) {
            ModelConfig config = checkpoint.config();
            String name = config.tiedEmbeddings() ? "model.embed_tokens.weight" : "lm_head.weight";
            return matrices.pack(
                    kernel,
                    arena,
                    HEAD,
                    config.vocabularySize(),
                    config.hiddenSize(),
                    reading -> checkpoint.bf16(name, reading));
        }

        private LoraLinear linear(int layer, LoraPoint point, List<String> modules) {
            int inputs = shape(modules.getFirst()).inputs();
            int outputs =
                    modules.stream().mapToInt(module -> shape(module).outputs()).sum();
            PackedMatrix packed = matrices.pack(
                    kernels.linear(),
                    arena,
                    layer + "." + point,
                    outputs,
                    inputs,
                    reading -> stacked(modules, outputs, inputs, reading));
            return new LoraLinear(kernels, layer, point, packed, bias(modules, outputs));
        }

        private MemorySegment stacked(List<String> modules, int outputs, int inputs, Arena reading) {
            MemorySegment stacked = reading.allocate((long) outputs * inputs * Bf16.BYTES, 64);
            long at = 0;
            for (String module : modules) {
                MemorySegment weight = checkpoint.bf16(module + ".weight", reading);
                MemorySegment.copy(weight, 0, stacked, at, weight.byteSize());
                at += weight.byteSize();
            }
            return stacked;
        }

        private ModuleShape shape(String module) {
            return modules.shape(module).orElseThrow(() -> new IllegalStateException("no module " + module));
        }

        private float @Nullable [] bias(List<String> modules, int outputs) {
            if (modules.stream().noneMatch(module -> checkpoint.has(module + ".bias"))) {
                return null;
            }
            float[] stacked = new float[outputs];
            int at = 0;
            for (String module : modules) {
                float[] bias = checkpoint.f32(module + ".bias");
                System.arraycopy(bias, 0, stacked, at, bias.length);
                at += shape(module).outputs();
            }
            return stacked;
        }

        private float @Nullable [] optional(String name) {
            return checkpoint.has(name) ? checkpoint.f32(name) : null;
        }
    }
}
