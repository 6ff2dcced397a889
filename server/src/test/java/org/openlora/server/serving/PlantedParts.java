package org.openlora.server.serving;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.AdapterResidency;
import org.openlora.adapters.Digest;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.adapters.SlotTable;
import org.openlora.engine.model.CausalLm;
import org.openlora.engine.model.ForwardBatch;
import org.openlora.kernels.LoraBatch;
import org.openlora.kernels.LoraModule;
import org.openlora.kernels.LoraPoint;

/// The real parts of a stack with a fault between them, planted when a test says so; and a gate before the first step,
/// so that requests share their steps.
final class PlantedParts implements EngineParts {
    private volatile CountDownLatch gate = new CountDownLatch(0);
    private volatile @Nullable Exchange slotFault;
    private final AtomicLong faults = new AtomicLong(); // changes of the slot table that are ours
    private volatile boolean rowFault;
    private volatile @Nullable SlotTable table;

    /// In the slot of one adapter stands another.
    private record Exchange(Digest of, Digest with) {}

    /// No step begins from now on.
    void shut() {
        gate = new CountDownLatch(1);
    }

    void open() {
        gate.countDown();
    }

    /// From now on the slot table says that the other adapter stands in the slot of the one.
    void exchangeSlots(Digest of, Digest with) {
        slotFault = new Exchange(of, with);
        faults.incrementAndGet();
    }

    /// In the next step with two adapters, the first rows of both get each other's.
    void exchangeRows() {
        rowFault = true;
    }

    /// The slot table tells the truth again.
    void heal() {
        slotFault = null;
        faults.incrementAndGet();
    }

    /// Changes one bit of an adapter's resident weights.
    void flipBit(Digest adapter) {
        LoraModule module =
                resident(adapter).weights().modules(0, LoraPoint.QKV).getFirst();
        MemorySegment weights = module.weights();
        long at = module.aOffsetBytes() + 1; // the high byte of the first number, with its sign
        weights.set(ValueLayout.JAVA_BYTE, at, (byte) (weights.get(ValueLayout.JAVA_BYTE, at) ^ 0x80));
    }

    private ResidentAdapter resident(Digest adapter) {
        SlotTable slots = table;
        for (int slot = 0; slots != null && slot < slots.slots(); slot++) {
            ResidentAdapter there = slots.at(slot);
            if (there != null && there.digest().equals(adapter)) {
                return there;
            }
        }
        throw new AssertionError(adapter + " is not resident");
    }

    @Override
    public CausalLm model(CausalLm model) {
        return new PlantedModel(model);
    }

    @Override
    public AdapterResidency residency(AdapterResidency residency) {
        table = residency.slots();
        return new PlantedResidency(residency);
    }

    private final class PlantedModel implements CausalLm {
        private final CausalLm model;

        PlantedModel(CausalLm model) {
            this.model = model;
        }

        @Override
        public float[] forward(ForwardBatch batch) {
            awaitGate();
            LoraBatch lora = batch.lora();
            if (rowFault && lora.slots().length > 1) {
                rowFault = false;
                int second = lora.segmentStarts()[1];
                int row = lora.rows()[0];
                lora.rows()[0] = lora.rows()[second];
                lora.rows()[second] = row;
            }
            return model.forward(batch);
        }

        private void awaitGate() {
            try {
                gate.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        @Override
        public int vocabularySize() {
            return model.vocabularySize();
        }

        @Override
        public int contextLength() {
            return model.contextLength();
        }

        @Override
        public int slidingWindow() {
            return model.slidingWindow();
        }

        @Override
        public int kvBlocks() {
            return model.kvBlocks();
        }

        @Override
        public int blockTokens() {
            return model.blockTokens();
        }

        @Override
        public void copyBlock(int from, int to) {
            model.copyBlock(from, to);
        }
    }

    private final class PlantedResidency implements AdapterResidency {
        private final AdapterResidency residency;

        PlantedResidency(AdapterResidency residency) {
            this.residency = residency;
        }

        @Override
        public CompletableFuture<AdapterLease> acquire(Set<Digest> adapters, Instant deadline) {
            return residency.acquire(adapters, deadline);
        }

        @Override
        public void prefetch(List<Digest> adapters) {
            residency.prefetch(adapters);
        }

        @Override
        public SlotTable slots() {
            return new PlantedTable(residency.slots());
        }
    }

    private final class PlantedTable implements SlotTable {
        private final SlotTable slots;

        PlantedTable(SlotTable slots) {
            this.slots = slots;
        }

        @Override
        public int slots() {
            return slots.slots();
        }

        @Override
        public long epoch() {
            return slots.epoch() + faults.get();
        }

        @Override
        public @Nullable ResidentAdapter at(int slot) {
            Exchange fault = slotFault;
            ResidentAdapter there = slots.at(slot);
            return fault == null || there == null || !there.digest().equals(fault.of())
                    ? there
                    : resident(fault.with());
        }
    }
}
