package org.openlora.engine;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.Digest;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.adapters.SlotTable;
import org.openlora.engine.kv.BlockCopy;
import org.openlora.engine.kv.BlockManager;
import org.openlora.engine.model.CausalLm;
import org.openlora.engine.model.ForwardBatch;
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
    private final int blocks;

    public TeacherForcing(CausalLm model, SchedulerConfig config) {
        this(model, config, model.kvBlocks());
    }

    /// With fewer key/value blocks than the model has.
    public TeacherForcing(CausalLm model, SchedulerConfig config, int blocks) {
        this.model = model;
        this.config = config;
        this.blocks = blocks;
    }

    /// One prompt and what watches over its answers.
    ///
    /// @param arrival step before which it comes in
    /// @param scalesPpm one for each adapter
    /// @param teachers one for each choice
    @SuppressWarnings("ArrayRecordComponent") // Read from a fixture; never compared.
    public record Line(
            int arrival,
            int[] prompt,
            List<ResidentAdapter> adapters,
            List<Integer> scalesPpm,
            int maxTokens,
            List<Teacher> teachers) {
        /// Adapters as trained.
        public Line(int arrival, int[] prompt, List<ResidentAdapter> adapters, int maxTokens, List<Teacher> teachers) {
            this(
                    arrival,
                    prompt,
                    adapters,
                    Collections.nCopies(adapters.size(), AdapterSelection.UNIT_SCALE_PPM),
                    maxTokens,
                    teachers);
        }

        public Line(int[] prompt, List<ResidentAdapter> adapters, int maxTokens, Teacher teacher) {
            this(0, prompt, adapters, maxTokens, List.of(teacher));
        }
    }

    /// Sees the logits of a step and says which token follows.
    @FunctionalInterface
    public interface Teacher {
        /// @param logits of this line alone; a copy
        int next(int step, float[] logits);
    }

    /// What happened on the way.
    public record Run(int steps, long preemptions, long cachedTokens, int copies) {}

    /// Runs all lines to their ends.
    public Run run(List<Line> lines) {
        BlockManager manager = new BlockManager(blocks, model.blockTokens());
        Scheduler scheduler = new Scheduler(config, manager);
        SlotTable slots = Slots.of(lines);
        BatchBuilder builder = new BatchBuilder(model.blockTokens(), model.slidingWindow(), slots);
        StepProof proof = new StepProof(slots);
        Map<Sequence, Teacher> teachers = new HashMap<>();
        Map<Sequence, Line> parents = new HashMap<>();
        List<Line> pending = new ArrayList<>(lines);
        int steps = 0;
        int copies = 0;
        while (scheduler.hasWork() || !pending.isEmpty()) {
            int now = steps++;
            pending.removeIf(line -> line.arrival() <= now && begin(line, scheduler, teachers, parents));
            ScheduledStep step = scheduler.schedule();
            if (step.isEmpty()) {
                continue; // nobody has come yet
            }
            for (BlockCopy copy : step.copies()) {
                model.copyBlock(copy.from(), copy.to());
                copies++;
            }
            ForwardBatch batch = builder.build(step);
            float[] logits = model.forward(batch);
            if (!proof.check(step, batch.lora(), builder.slotEpoch())) {
                throw new AssertionError("rows were served by other adapters than they asked for: " + step);
            }
            scheduler.complete(step);
            int row = 0;
            for (ScheduledStep.Chunk chunk : step.chunks()) {
                if (chunk.samples()) {
                    int from = row++ * model.vocabularySize();
                    float[] own = Arrays.copyOfRange(logits, from, from + model.vocabularySize());
                    Line parent = parents.remove(chunk.sequence());
                    if (parent != null) {
                        fork(parent, chunk.sequence(), scheduler, teachers, own);
                    }
                    teach(chunk.sequence(), scheduler, teachers, own);
                }
            }
            scheduler.checkIntegrity();
        }
        return new Run(steps, scheduler.preemptions(), scheduler.cachedTokens(), copies);
    }

    private static boolean begin(
            Line line, Scheduler scheduler, Map<Sequence, Teacher> teachers, Map<Sequence, Line> parents) {
        List<AdapterSelection> adapters = new ArrayList<>();
        for (ResidentAdapter adapter : line.adapters()) {
            int scalePpm = line.scalesPpm().get(adapters.size());
            adapters.add(new AdapterSelection(adapter.digest(), scalePpm, null));
        }
        Sequence sequence = new Sequence(
                teachers.size(),
                line.prompt(),
                SamplingParams.greedy(line.maxTokens()),
                adapters,
                new Held(line.adapters()),
                new ServiceTerms(Bytes32.ZERO, 0, Instant.EPOCH),
                PrefixSeeds.of(Digest.ZERO, adapters, Bytes32.ZERO));
        teachers.put(sequence, line.teachers().getFirst());
        parents.put(sequence, line);
        scheduler.add(sequence);
        return true;
    }

    private static void fork(
            Line line, Sequence parent, Scheduler scheduler, Map<Sequence, Teacher> teachers, float[] logits) {
        for (Teacher teacher : line.teachers().subList(1, line.teachers().size())) {
            Sequence child =
                    scheduler.fork(parent, teachers.size(), line.teachers().indexOf(teacher));
            teachers.put(child, teacher);
            teach(child, scheduler, teachers, logits.clone());
        }
    }

    private static void teach(Sequence sequence, Scheduler scheduler, Map<Sequence, Teacher> teachers, float[] logits) {
        sequence.append(Objects.requireNonNull(teachers.get(sequence)).next(sequence.generated(), logits));
        if (sequence.generated() == sequence.params().maxTokens()) {
            scheduler.remove(sequence);
        }
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

    /// The slots of all adapters that lines hold.
    private record Slots(Map<Integer, ResidentAdapter> bySlot) implements SlotTable {
        static Slots of(List<Line> lines) {
            Map<Integer, ResidentAdapter> bySlot = new HashMap<>();
            for (Line line : lines) {
                line.adapters().forEach(adapter -> bySlot.put(adapter.slot(), adapter));
            }
            return new Slots(bySlot);
        }

        @Override
        public int slots() {
            return bySlot.size();
        }

        @Override
        public long epoch() {
            return 0;
        }

        @Override
        public @Nullable ResidentAdapter at(int slot) {
            return bySlot.get(slot);
        }
    }

    private record Held(List<ResidentAdapter> adapters) implements AdapterLease {
        @Override
        public void close() {}
    }
}
