package org.openlora.engine.model;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.openlora.engine.weights.ModelConfig;
import org.openlora.kernels.AttentionBatch;
import org.openlora.kernels.LoraBatch;
import org.openlora.kernels.LoraLayout;
import org.openlora.kernels.LoraModule;
import org.openlora.kernels.LoraPoint;
import org.openlora.kernels.LoraSlot;
import org.openlora.kernels.Vocabulary;

/// Runs made-up steps before the first request, so that no request waits for the compiler.
///
/// Vector code is slow until the optimising compiler has seen it, a thousand times slower while it is interpreted:
/// the first steps of a fresh process take seconds. The steps here are of every kind that serving has: prompts and
/// single tokens, of one sequence up to eight, on the bare base and with two adapters whose weights are zero. They
/// overwrite blocks of the key/value cache, so they run before the engine starts.
public final class WarmUp {
    private static final int PROMPT_ROWS = 128;
    private static final int CONTEXT = 128;
    private static final int MOST_SEQUENCES = 8;
    private static final int RANK = 8;
    private static final long SETTLED_NANOS = 700_000_000;
    /// Rounds in which each kind of step certainly has come up for compilation.
    private static final int LEAST_ROUNDS = 10;

    private final LlamaModel model;
    private final LongSupplier nanoTime;
    private final int sequences;
    private final int promptRows;
    private final int context;

    private WarmUp(LlamaModel model, int maxRows, LongSupplier nanoTime) {
        this.model = model;
        this.nanoTime = nanoTime;
        int tokens = Math.min(model.contextLength(), model.kvBlocks() * model.blockTokens());
        this.context = Math.min(CONTEXT, tokens - 1);
        this.promptRows = Math.min(Math.min(PROMPT_ROWS, maxRows), tokens);
        int blocks = Math.ceilDiv(context + 1, model.blockTokens());
        this.sequences = Math.clamp(model.kvBlocks() / blocks, 1, Math.min(MOST_SEQUENCES, maxRows));
    }

    /// What a warm-up did.
    ///
    /// @param steps that were run
    /// @param firstStep time of the first step of one row
    /// @param bestStep time of the fastest step of one row
    public record Report(int steps, Duration firstStep, Duration bestStep) {}

    /// Runs steps until the compiler has been idle for most of a second, or until `limit` has passed.
    ///
    /// @param maxRows most rows of one step
    /// @param nanoTime a clock
    /// @param compilingMillis time that the compiler has worked since the process began
    public static Report run(
            LlamaModel model, int maxRows, Duration limit, LongSupplier nanoTime, LongSupplier compilingMillis) {
        WarmUp warmUp = new WarmUp(model, maxRows, nanoTime);
        try (Arena arena = Arena.ofShared()) {
            return warmUp.run(zeroAdapter(model, arena), limit, compilingMillis);
        }
    }

    private Report run(LoraSlot adapter, Duration limit, LongSupplier compilingMillis) {
        long start = nanoTime.getAsLong();
        long compiled = compilingMillis.getAsLong();
        long first = step(1, 1, LoraBatch.none());
        long busyUntil = nanoTime.getAsLong();
        long best = first;
        int steps = 1;
        for (int round = 0;
                nanoTime.getAsLong() - start < limit.toNanos()
                        && (round < LEAST_ROUNDS || nanoTime.getAsLong() - busyUntil < SETTLED_NANOS);
                round++) {
            step(1, promptRows, LoraBatch.none());
            step(1, promptRows, twoAdapters(adapter, promptRows));
            steps += 2;
            for (int count = 1; count <= sequences; count++, steps += 2) {
                long nanos = step(count, 1, LoraBatch.none());
                best = count == 1 ? Math.min(best, nanos) : best;
                step(count, 1, twoAdapters(adapter, count));
            }
            if (compilingMillis.getAsLong() != compiled) {
                compiled = compilingMillis.getAsLong();
                busyUntil = nanoTime.getAsLong();
            }
        }
        return new Report(steps, Duration.ofNanos(first), Duration.ofNanos(best));
    }

    /// A step of `count` sequences with `rows` tokens each, at the beginning or, for one token, behind a context.
    private long step(int count, int rows, LoraBatch lora) {
        int first = rows == 1 ? context : 0;
        int blocks = Math.ceilDiv(first + rows, model.blockTokens());
        int total = count * rows;
        int[] tokens = new int[total];
        int[] positions = new int[total];
        int[] owners = new int[total];
        int[] slots = new int[total];
        int[][] tables = new int[count][blocks];
        int[] logitRows = new int[count];
        for (int sequence = 0, row = 0; sequence < count; sequence++) {
            for (int block = 0; block < blocks; block++) {
                tables[sequence][block] = sequence * blocks + block;
            }
            for (int position = first; position < first + rows; position++, row++) {
                tokens[row] = row % model.vocabularySize();
                positions[row] = position;
                owners[row] = sequence;
                slots[row] = tables[sequence][0] * model.blockTokens() + position;
            }
            logitRows[sequence] = row - 1;
        }
        AttentionBatch attention = new AttentionBatch(positions, owners, tables, model.slidingWindow());
        long start = nanoTime.getAsLong();
        float[] logits = model.forward(new ForwardBatch(tokens, slots, attention, lora, logitRows));
        for (int row = 0; row < count; row++) {
            Vocabulary.argmax(logits, row * model.vocabularySize(), model.vocabularySize());
        }
        return nanoTime.getAsLong() - start;
    }

    /// The first half of the rows with one adapter, the others with a second, which is the same.
    private static LoraBatch twoAdapters(LoraSlot adapter, int rows) {
        int[] all = new int[rows];
        float[] scales = new float[rows];
        for (int row = 0; row < rows; row++) {
            all[row] = row;
            scales[row] = 1;
        }
        return new LoraBatch(all, new int[] {0, rows / 2, rows}, new LoraSlot[] {adapter, adapter}, scales);
    }

    private static LoraSlot zeroAdapter(LlamaModel model, Arena arena) {
        ModelConfig config = model.config();
        LoraLayout layout = model.loraLayout();
        int qkv = config.querySize() + 2 * config.keyValueSize();
        Map<LoraPoint, List<LoraModule>> points = Map.of(
                LoraPoint.QKV, List.of(zeros(layout, arena, config.hiddenSize(), qkv)),
                LoraPoint.O, List.of(zeros(layout, arena, config.querySize(), config.hiddenSize())),
                LoraPoint.GATE_UP, List.of(zeros(layout, arena, config.hiddenSize(), 2 * config.intermediateSize())),
                LoraPoint.DOWN, List.of(zeros(layout, arena, config.intermediateSize(), config.hiddenSize())));
        return (_, point) -> points.getOrDefault(point, List.of());
    }

    private static LoraModule zeros(LoraLayout layout, Arena arena, int inputs, int outputs) {
        MemorySegment memory = arena.allocate(LoraModule.bytesFor(RANK, inputs, outputs), 64);
        return LoraModule.write(
                layout, memory, 0, new float[RANK * inputs], new float[outputs * RANK], RANK, inputs, outputs, 0, 1);
    }
}
