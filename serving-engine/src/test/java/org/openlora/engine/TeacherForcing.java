package org.openlora.engine;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.engine.kv.BlockManager;
import org.openlora.engine.model.CausalLm;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.engine.scheduler.ScheduledStep;
import org.openlora.engine.scheduler.Scheduler;
import org.openlora.engine.scheduler.SchedulerConfig;
import org.openlora.engine.scheduler.Sequence;
import org.openlora.engine.scheduler.ServiceTerms;
import org.openlora.meter.evm.Bytes32;

/// Runs prompts through a model as one mixed batch, as the engine does, but lets the test choose each next token.
public final class TeacherForcing {
    private final CausalLm model;
    private final SchedulerConfig config;

    public TeacherForcing(CausalLm model, SchedulerConfig config) {
        this.model = model;
        this.config = config;
    }

    /// One prompt and what watches over its answer.
    @SuppressWarnings("ArrayRecordComponent") // Read from a fixture; never compared.
    public record Line(int[] prompt, List<ResidentAdapter> adapters, int maxTokens, Teacher teacher) {}

    /// Sees the logits of a step and says which token follows.
    @FunctionalInterface
    public interface Teacher {
        /// @param logits of this line alone; a copy
        int next(int step, float[] logits);
    }

    /// Runs all lines to their ends.
    public void run(List<Line> lines) {
        BlockManager blocks = new BlockManager(model.kvBlocks(), model.blockTokens());
        Scheduler scheduler = new Scheduler(config, blocks);
        BatchBuilder builder = new BatchBuilder(model.blockTokens(), model.slidingWindow());
        Map<Sequence, Line> bySequence = new HashMap<>();
        for (Line line : lines) {
            Sequence sequence = new Sequence(
                    bySequence.size(),
                    line.prompt(),
                    SamplingParams.greedy(line.maxTokens()),
                    line.adapters().stream()
                            .map(adapter -> AdapterSelection.of(adapter.digest()))
                            .toList(),
                    new Held(line.adapters()),
                    new ServiceTerms(Bytes32.ZERO, 0, Instant.EPOCH),
                    Bytes32.ZERO);
            bySequence.put(sequence, line);
            scheduler.add(sequence);
        }
        while (scheduler.hasWork()) {
            ScheduledStep step = scheduler.schedule();
            float[] logits = model.forward(builder.build(step));
            scheduler.complete(step);
            int row = 0;
            for (ScheduledStep.Chunk chunk : step.chunks()) {
                if (chunk.samples()) {
                    int from = row++ * model.vocabularySize();
                    Sequence sequence = chunk.sequence();
                    Line line = Objects.requireNonNull(bySequence.get(sequence));
                    float[] own = Arrays.copyOfRange(logits, from, from + model.vocabularySize());
                    sequence.append(line.teacher().next(sequence.generated(), own));
                    if (sequence.generated() == line.maxTokens()) {
                        scheduler.remove(sequence);
                    }
                }
            }
        }
        scheduler.checkIntegrity();
    }

    /// The logits after a prompt.
    public float[] logitsAfter(int[] prompt, List<ResidentAdapter> adapters) {
        List<float[]> kept = new ArrayList<>();
        run(List.of(new Line(prompt, adapters, 1, (step, logits) -> {
            kept.add(logits);
            return 0;
        })));
        return kept.getFirst();
    }

    private record Held(List<ResidentAdapter> adapters) implements AdapterLease {
        @Override
        public void close() {}
    }
}
