package org.openlora.adapters.peft;

import java.io.File;
import java.lang.foreign.Arena;
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
import org.openlora.kernels.LoraSlot;

/// What a PEFT LoRA folder holds: read in full, found sound, matched with a base, and digested.
///
/// Whoever registers an adapter calls [#read] once and needs to keep no more than its digest and sizes; [#load]
/// plans anew from the config and the headers, and reads the weights once.
///
/// @param modules with a low-rank pair, in the order of layer, point and output
/// @param saved modules that it brings whole, the head before the embedding
public record PeftAdapter(PeftConfig config, List<PeftModule> modules, List<SavedModule> saved, Digest digest) {
    /// Domain of the adapter digest.
    public static final String DIGEST_DOMAIN = "openlora/adapter/v1";

    /// To be raised by every change after which the same files may give another digest, another size in memory or
    /// another verdict: what earlier versions found is then not believed any more.
    public static final int READER_VERSION = 2;

    /// Name of the weights without their extension: `adapter_model.safetensors`, or shards by its index.
    public static final String WEIGHTS_NAME = "adapter_model";

    private static final List<String> PICKLES = List.of(
            "adapter_model.bin", "adapter_model.pt", "adapter_model.pth", "pytorch_model.bin", "adapter_model.ckpt");

    public PeftAdapter {
        modules = List.copyOf(modules);
        saved = List.copyOf(saved);
    }

    /// What [#load] allocates.
    public AdapterSize size() {
        return new PeftModules(modules, saved).size();
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
                PeftModules modules = PeftPlan.of(config, base, checkpoint.tensors());
                Digest digest = pass(config, base, modules, checkpoint, TensorVisitor.NONE);
                return new PeftAdapter(config, modules.adapted(), modules.saved(), digest);
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
    /// @param memory asked once for each module, for its `residentBytes`
    public static LoraSlot load(Path directory, BaseWeights base, Digest expected, AdapterMemory memory) {
        return withCleanErrors(directory, () -> {
            PeftConfig config = PeftConfig.read(directory);
            try (SafetensorsCheckpoint checkpoint = open(directory)) {
                PeftModules modules = PeftPlan.of(config, base, checkpoint.tensors());
                var writer = new SlotWriter(base, modules, memory);
                Digest found = pass(config, base, modules, checkpoint, writer);
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

    /// One pass over all tensors: digested and checked, then handed to the visitor, but for copies of the base's.
    private static Digest pass(
            PeftConfig config, BaseWeights base, PeftModules modules, TensorSource source, TensorVisitor visitor) {
        Map<String, PeftModule> baseCopies = new HashMap<>();
        for (PeftModule module : modules.adapted()) {
            if (module.tensors().baseCopy() != null) {
                baseCopies.put(module.tensors().baseCopy(), module);
            }
        }
        Map<String, SavedModule> saved = new HashMap<>();
        modules.saved().forEach(module -> saved.put(module.tensor(), module));
        var digest = new ContentDigest(
                DIGEST_DOMAIN, config.effectiveJson(), source.tensors().size());
        for (TensorInfo tensor : source.tensors().values()) {
            PeftModule copied = baseCopies.get(tensor.name());
            SavedModule whole = saved.get(tensor.name());
            if (copied != null) {
                MemorySegment stored = source.data(tensor.name());
                add(digest, tensor, stored);
                BaseCopies.check(base, copied, tensor, stored);
            } else if (whole != null) {
                acceptSaved(whole, digest, tensor, source, visitor);
            } else {
                MemorySegment stored = outOfFile(source, tensor);
                add(digest, tensor, stored);
                visitor.accept(tensor.name(), FiniteValues.of(tensor, stored));
            }
        }
        return digest.finish();
    }

    /// Outside the heap, as such a matrix may be larger than an array.
    private static void acceptSaved(
            SavedModule module, ContentDigest digest, TensorInfo tensor, TensorSource source, TensorVisitor visitor) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stored = arena.allocate(tensor.sizeBytes(), AdapterMemory.ALIGNMENT_BYTES)
                    .copyFrom(source.data(tensor.name()));
            add(digest, tensor, stored);
            visitor.acceptSaved(module, FiniteValues.bf16(tensor, stored, arena));
        }
    }

    private static void add(ContentDigest digest, TensorInfo tensor, MemorySegment stored) {
        digest.tensor(tensor.name(), tensor.dtype().name(), tensor.shapeArray(), stored);
    }

    /// A copy makes sure that what is digested and what is used cannot differ, whatever happens to the file.
    private static MemorySegment outOfFile(TensorSource source, TensorInfo tensor) {
        return MemorySegment.ofArray(new byte[Math.toIntExact(tensor.sizeBytes())])
                .copyFrom(source.data(tensor.name()));
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
}
