package org.openlora.adapters.peft;

import java.io.File;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.BaseWeights;
import org.openlora.adapters.ContentDigest;
import org.openlora.adapters.Digest;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.safetensors.SafetensorsCheckpoint;
import org.openlora.adapters.safetensors.SafetensorsException;
import org.openlora.adapters.safetensors.TensorInfo;
import org.openlora.adapters.safetensors.TensorSource;
import org.openlora.kernels.LoraModule;
import org.openlora.kernels.LoraSlot;

/// What a PEFT LoRA folder holds: read in full, found sound, matched with a base, and digested.
///
/// Whoever registers an adapter calls [#read] once and needs to keep no more than its digest and sizes; [#load]
/// plans anew from the config and the headers, and reads the weights once.
///
/// @param modules in the order of layer, point and output
public record PeftAdapter(PeftConfig config, List<PeftModule> modules, Digest digest) {
    /// Domain of the adapter digest.
    public static final String DIGEST_DOMAIN = "openlora/adapter/v1";

    /// Name of the weights without their extension: `adapter_model.safetensors`, or shards by its index.
    public static final String WEIGHTS_NAME = "adapter_model";

    private static final List<String> PICKLES = List.of(
            "adapter_model.bin", "adapter_model.pt", "adapter_model.pth", "pytorch_model.bin", "adapter_model.ckpt");

    private static final long MEMORY_ALIGNMENT_BYTES = 64;

    public PeftAdapter {
        modules = List.copyOf(modules);
    }

    /// What [#load] allocates, the modules' bytes in sum.
    public long residentBytes() {
        return modules.stream().mapToLong(PeftModule::residentBytes).sum();
    }

    /// The largest rank of its modules.
    public int largestRank() {
        return modules.stream().mapToInt(PeftModule::rank).max().orElseThrow();
    }

    /// Reads and checks a folder; throws [AdapterException] that names the field or tensor at fault.
    public static PeftAdapter read(Path directory, BaseWeights base) {
        return withCleanErrors(directory, () -> {
            PeftConfig config = PeftConfig.read(directory);
            try (SafetensorsCheckpoint checkpoint = open(directory)) {
                List<PeftModule> modules = PeftPlan.of(config, base, checkpoint.tensors());
                Digest digest = pass(config, checkpoint, (tensor, values) -> {});
                return new PeftAdapter(config, modules, digest);
            }
        });
    }

    /// The files that hold the weights: one, or index and shards.
    public static List<Path> weightFiles(Path directory) {
        return withCleanErrors(directory, () -> {
            refusePickle(directory);
            return SafetensorsCheckpoint.files(directory, WEIGHTS_NAME);
        });
    }

    /// Reads a folder's weights as bf16; what is handed out is what was digested and checked in the same pass.
    ///
    /// Throws [AdapterException], with code `CHANGED` where the content is not that of `expected`. What was
    /// allocated by then must not be used.
    ///
    /// @param expected the digest that [#read] found
    /// @param memory asked once for each module, for [PeftModule#residentBytes] at 64-byte alignment
    public static LoraSlot load(Path directory, BaseWeights base, Digest expected, SegmentAllocator memory) {
        return withCleanErrors(directory, () -> {
            PeftConfig config = PeftConfig.read(directory);
            try (SafetensorsCheckpoint checkpoint = open(directory)) {
                var writer = new SlotWriter(base.layers(), PeftPlan.of(config, base, checkpoint.tensors()), memory);
                Digest found = pass(config, checkpoint, writer);
                if (!found.equals(expected)) {
                    throw new AdapterException(
                            Code.CHANGED,
                            "files were changed since registration: registered " + expected + ", found " + found);
                }
                return writer.finish();
            }
        });
    }

    private static SafetensorsCheckpoint open(Path directory) {
        refusePickle(directory);
        return SafetensorsCheckpoint.open(directory, WEIGHTS_NAME);
    }

    private static void refusePickle(Path directory) {
        if (Files.exists(directory.resolve(WEIGHTS_NAME + ".safetensors"))
                || Files.exists(directory.resolve(WEIGHTS_NAME + ".safetensors.index.json"))) {
            return;
        }
        for (String pickle : PICKLES) {
            if (Files.exists(directory.resolve(pickle))) {
                throw new AdapterException(
                        Code.UNSUPPORTED,
                        pickle + " is a pickle file, which can run code when read; allowed: " + WEIGHTS_NAME
                                + ".safetensors");
            }
        }
    }

    /// One pass over all tensors: copied out of the file, digested and checked, then handed to the visitor.
    private static Digest pass(PeftConfig config, TensorSource source, TensorVisitor visitor) {
        var digest = new ContentDigest(
                DIGEST_DOMAIN, config.effectiveJson(), source.tensors().size());
        for (TensorInfo tensor : source.tensors().values()) {
            // The copy makes sure that what is digested and what is used cannot differ, whatever happens to the
            // file.
            MemorySegment stored = MemorySegment.ofArray(new byte[Math.toIntExact(tensor.sizeBytes())])
                    .copyFrom(source.data(tensor.name()));
            digest.tensor(tensor.name(), tensor.dtype().name(), tensor.shapeArray(), stored);
            visitor.visit(tensor, FiniteValues.of(tensor, stored));
        }
        return digest.finish();
    }

    private static <T> T withCleanErrors(Path directory, Supplier<T> action) {
        try {
            return action.get();
        } catch (SafetensorsException e) {
            // The folder's place is nobody's business but the operator's.
            String message = e.getMessage() == null ? "" : e.getMessage();
            throw new AdapterException(
                    Code.INVALID,
                    message.replace(directory + File.separator, "").replace(directory.toString(), "the folder"),
                    e);
        } catch (InternalError e) {
            // What the JVM makes of a mapped page that is gone, which is a file cut short while it was read.
            throw new AdapterException(Code.CHANGED, "files changed while they were read: " + OneLine.reason(e), e);
        }
    }

    @FunctionalInterface
    private interface TensorVisitor {
        void visit(TensorInfo tensor, float[] values);
    }

    /// Lays pairs out in slot memory, each as soon as both halves have come by.
    private static final class SlotWriter implements TensorVisitor {
        private final int layers;
        private final List<PeftModule> modules;
        private final SegmentAllocator memory;
        private final Map<String, Integer> moduleOfTensor = new HashMap<>();
        private final Map<String, float[]> waitingHalves = new HashMap<>();
        private final LoraModule[] written;

        SlotWriter(int layers, List<PeftModule> modules, SegmentAllocator memory) {
            this.layers = layers;
            this.modules = modules;
            this.memory = memory;
            this.written = new LoraModule[modules.size()];
            for (int i = 0; i < written.length; i++) {
                moduleOfTensor.put(modules.get(i).tensorA(), i);
                moduleOfTensor.put(modules.get(i).tensorB(), i);
            }
        }

        @Override
        public void visit(TensorInfo tensor, float[] values) {
            Integer index = moduleOfTensor.get(tensor.name());
            if (index == null) {
                throw new IllegalStateException("tensor " + tensor.name() + " is in no module of the plan");
            }
            PeftModule module = modules.get(index);
            boolean isA = tensor.name().equals(module.tensorA());
            float[] other = waitingHalves.remove(isA ? module.tensorB() : module.tensorA());
            if (other == null) {
                waitingHalves.put(tensor.name(), values);
            } else {
                written[index] = write(module, isA ? values : other, isA ? other : values);
            }
        }

        LoraSlot finish() {
            return new PeftWeights(layers, modules, List.of(written));
        }

        private LoraModule write(PeftModule module, float[] a, float[] b) {
            return LoraModule.write(
                    memory.allocate(module.residentBytes(), MEMORY_ALIGNMENT_BYTES),
                    0,
                    a,
                    b,
                    module.rank(),
                    module.shape().inputs(),
                    module.shape().outputs(),
                    module.shape().outputOffset(),
                    module.scaling());
        }
    }
}
