package org.openlora.engine;

import java.nio.file.Path;
import java.time.Clock;
import java.util.Optional;
import org.openlora.adapters.BaseWeights;
import org.openlora.adapters.Digest;
import org.openlora.engine.chat.ChatTemplate;
import org.openlora.engine.chat.ChatTemplates;
import org.openlora.engine.model.LlamaModel;
import org.openlora.engine.tensor.GemmSettings;
import org.openlora.engine.tensor.LinearKernels;
import org.openlora.engine.tensor.MatrixPacker;
import org.openlora.engine.tensor.NumericPath;
import org.openlora.engine.tokenizer.Tokenizer;
import org.openlora.engine.tokenizer.Tokenizers;
import org.openlora.engine.weights.BaseCheckpoint;
import org.openlora.engine.weights.ModelConfig;
import org.openlora.kernels.LinearKernel;
import org.openlora.kernels.WorkerPool;

/// A base model made ready to serve: weights packed for the processor, with its tokenizer and chat template.
///
/// Owns all of them; close it after the engine that runs it.
public final class BaseModel implements AutoCloseable {
    private final BaseCheckpoint checkpoint;
    private final Tokenizer tokenizer;
    private final Optional<ChatTemplate> chatTemplate;
    private final WorkerPool pool;
    private final NumericPath numericPath;
    private final LlamaModel model;

    private BaseModel(
            BaseCheckpoint checkpoint,
            Tokenizer tokenizer,
            Optional<ChatTemplate> chatTemplate,
            WorkerPool pool,
            NumericPath numericPath,
            LlamaModel model) {
        this.checkpoint = checkpoint;
        this.tokenizer = tokenizer;
        this.chatTemplate = chatTemplate;
        this.pool = pool;
        this.numericPath = numericPath;
        this.model = model;
    }

    /// What the machine gives to the model.
    ///
    /// @param threads that compute a step, the engine thread among them
    /// @param kvCacheBytes memory for keys and values
    /// @param maxRows most rows of one step
    public record Resources(int threads, long kvCacheBytes, int maxRows) {
        public Resources {
            if (threads < 1 || kvCacheBytes < 1 || maxRows < 1) {
                throw new IllegalArgumentException("threads " + threads + ", kv_cache_bytes " + kvCacheBytes
                        + ", max rows " + maxRows + ": each must be at least 1");
            }
        }
    }

    /// Opens a Hugging Face directory or a GGUF file and packs its weights; seconds, for a large model.
    ///
    /// @throws org.openlora.engine.weights.ModelLoadException in one line, naming what cannot be used
    public static BaseModel open(Path path, Resources resources) {
        BaseCheckpoint checkpoint = BaseCheckpoint.open(path);
        WorkerPool pool = new WorkerPool(resources.threads());
        try {
            Tokenizer tokenizer = Tokenizers.open(path);
            Optional<ChatTemplate> chatTemplate = ChatTemplates.open(path, Clock.systemUTC());
            GemmSettings settings = GemmSettings.fromSystem();
            LinearKernel linear = LinearKernels.choose(pool, settings);
            try (MatrixPacker matrices = MatrixPacker.of(linear, checkpoint::digest, settings.home())) {
                LlamaModel model = LlamaModel.load(
                        checkpoint, linear, matrices, pool, resources.kvCacheBytes(), resources.maxRows());
                return new BaseModel(checkpoint, tokenizer, chatTemplate, pool, NumericPath.of(linear), model);
            }
        } catch (RuntimeException e) {
            pool.close();
            checkpoint.close();
            throw e;
        }
    }

    public ModelConfig config() {
        return checkpoint.config();
    }

    public Digest digest() {
        return checkpoint.digest();
    }

    public Tokenizer tokenizer() {
        return tokenizer;
    }

    /// Empty where the model comes without one: then prompts are given to it as they are.
    public Optional<ChatTemplate> chatTemplate() {
        return chatTemplate;
    }

    /// How results are computed, to the bit; named by every receipt.
    public NumericPath numericPath() {
        return numericPath;
    }

    public LlamaModel model() {
        return model;
    }

    /// The base as adapters see it.
    public BaseWeights adaptableModules() {
        return LlamaModel.adaptableModules(checkpoint, model.loraLayout());
    }

    @Override
    public void close() {
        model.close();
        pool.close();
        tokenizer.close();
        checkpoint.close();
    }
}
