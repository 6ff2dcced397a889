package org.openlora.adapters.peft;

import java.io.File;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.AdapterMemory;
import org.openlora.adapters.AdapterSize;
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

/// A PEFT LoRA folder that has been read in full, found sound, matched with a base, and digested.
///
/// @param modules in the order of layer, point and output
/// @param size what [#load] allocates
public record PeftAdapter(
        Path directory,
        BaseWeights base,
        PeftConfig config,
        List<PeftModule> modules,
        Digest digest,
        AdapterSize size) {
    /// Domain of the adapter digest.
    public static final String DIGEST_DOMAIN = "openlora/adapter/v1";

    /// Name of the weights without their extension: `adapter_model.safetensors`, or shards by its index.
    public static final String WEIGHTS_NAME = "adapter_model";

    private static final List<String> PICKLES = List.of(
            "adapter_model.bin", "adapter_model.pt", "adapter_model.pth", "pytorch_model.bin", "adapter_model.ckpt");

    public PeftAdapter {
        modules = List.copyOf(modules);
    }

    /// Reads and checks a folder; throws [AdapterException] that names the field or tensor at fault.
    public static PeftAdapter read(Path directory, BaseWeights base) {
        return withCleanErrors(directory, () -> {
            PeftConfig config = PeftConfig.read(directory);
            try (SafetensorsCheckpoint checkpoint = open(directory)) {
                List<PeftModule> modules = PeftPlan.of(config, base, checkpoint.tensors());
                Digest digest = pass(config, checkpoint, (tensor, values) -> {});
                AdapterSize size = AdapterSize.of(modules.stream().mapToLong(PeftModule::residentBytes));
                return new PeftAdapter(directory, base, config, modules, digest, size);
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

    /// Reads the weights into `memory` as bf16; what is handed out is what was digested in the same pass.
    ///
    /// Throws [AdapterException] with code `CHANGED` where the files are not those that [#read] saw.
    public LoraSlot load(AdapterMemory memory) {
        return withCleanErrors(directory, () -> {
            PeftConfig configNow = PeftConfig.read(directory);
            try (SafetensorsCheckpoint checkpoint = open(directory)) {
                if (!configNow.equals(config)
                        || !PeftPlan.of(configNow, base, checkpoint.tensors()).equals(modules)) {
                    throw changed("its config or tensors");
                }
                var writer = new SlotWriter(this, memory);
                Digest digestNow = pass(configNow, checkpoint, writer);
                if (!digestNow.equals(digest)) {
                    throw changed(digestNow.toString());
                }
                return writer.finish();
            }
        });
    }

    private AdapterException changed(String found) {
        return new AdapterException(
                Code.CHANGED, "files were changed since registration: registered " + digest + ", found " + found);
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
        private final PeftAdapter adapter;
        private final AdapterMemory memory;
        private final Map<String, Integer> moduleOfTensor = new HashMap<>();
        private final Map<String, float[]> waitingHalves = new HashMap<>();
        private final LoraModule[] written;

        SlotWriter(PeftAdapter adapter, AdapterMemory memory) {
            this.adapter = adapter;
            this.memory = memory;
            this.written = new LoraModule[adapter.modules.size()];
            for (int i = 0; i < written.length; i++) {
                PeftModule module = adapter.modules.get(i);
                moduleOfTensor.put(module.tensorA(), i);
                moduleOfTensor.put(module.tensorB(), i);
            }
        }

        @Override
        public void visit(TensorInfo tensor, float[] values) {
            Integer index = moduleOfTensor.get(tensor.name());
            if (index == null) {
                throw new IllegalStateException("tensor " + tensor.name() + " is in no module of the plan");
            }
            PeftModule module = adapter.modules.get(index);
            boolean isA = tensor.name().equals(module.tensorA());
            float[] other = waitingHalves.remove(isA ? module.tensorB() : module.tensorA());
            if (other == null) {
                waitingHalves.put(tensor.name(), values);
            } else {
                written[index] = write(module, isA ? values : other, isA ? other : values);
            }
        }

        LoraSlot finish() {
            return new PeftWeights(adapter.base.layers(), adapter.modules, List.of(written), memory);
        }

        private LoraModule write(PeftModule module, float[] a, float[] b) {
            return LoraModule.write(
                    memory.allocate(module.residentBytes()),
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
