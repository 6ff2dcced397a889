package org.openlora.engine.tensor;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// libtorch through its stable C ABI (`aoti_torch_*`), bound by the foreign function API: the one class of the
/// engine that links to native code. A tensor is a handle, freed by [#delete]; every call returns a status, and
/// one that is not zero becomes a [LibtorchException]. The library stays loaded for the life of the process.
final class Libtorch {
    /// The folder of the one libtorch of this process.
    private static final AtomicReference<@Nullable Path> LOADED = new AtomicReference<>();

    private static final Linker LINKER = Linker.nativeLinker();
    private static final int CPU_DEVICE_INDEX = -1;
    private static final FunctionDescriptor STATUS_OF_HANDLE = FunctionDescriptor.of(JAVA_INT, JAVA_LONG);
    private static final FunctionDescriptor STATUS_OF_HANDLE_OUT = FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS);

    /// `at::set_num_threads(int)`: not part of the C ABI, so it may be missing.
    private static final String SET_NUM_THREADS = "_ZN2at15set_num_threadsEi";

    private final Path directory;
    private final SymbolLookup symbols;
    private final String version;
    private final MethodHandle createFromBlob;
    private final MethodHandle delete;
    private final MethodHandle dataPointer;
    private final int bf16;
    private final int cpu;

    private Libtorch(Path directory, SymbolLookup symbols) {
        this.directory = directory;
        this.symbols = symbols;
        this.version = readVersion();
        this.createFromBlob = require(
                "aoti_torch_create_tensor_from_blob",
                "tensors cannot be made",
                FunctionDescriptor.of(
                        JAVA_INT, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT,
                        ADDRESS));
        this.delete = require("aoti_torch_delete_tensor_object", "tensors cannot be freed", STATUS_OF_HANDLE);
        this.dataPointer = require("aoti_torch_get_data_ptr", "results cannot be read", STATUS_OF_HANDLE_OUT);
        this.bf16 = constant("aoti_torch_dtype_bfloat16");
        this.cpu = constant("aoti_torch_device_type_cpu");
    }

    /// Loads `libtorch_cpu.so` of the folder, after the libraries beside it that it needs.
    ///
    /// @throws LibtorchException if it cannot be loaded or is too old
    ///
    /// A process holds one libtorch, because a second would register the same operators again and abort it.
    ///
    /// @throws LibtorchException if it cannot be loaded, or another one is
    static Libtorch load(Path directory) {
        try {
            claim(directory.toRealPath());
            for (String prefix : List.of("libgomp", "libc10.so")) {
                for (Path dependency : dependencies(directory, prefix)) {
                    SymbolLookup.libraryLookup(dependency, Arena.global());
                }
            }
            Path library = directory.toAbsolutePath().resolve(LibtorchFiles.LIBRARY);
            return new Libtorch(directory, SymbolLookup.libraryLookup(library, Arena.global()));
        } catch (IllegalArgumentException | IOException e) {
            throw new LibtorchException("libtorch in %s cannot be loaded: %s".formatted(directory, e.getMessage()), e);
        }
    }

    private static void claim(Path directory) {
        Path first = LOADED.compareAndExchange(null, directory);
        if (first != null && !first.equals(directory)) {
            throw new LibtorchException(
                    "libtorch in %s cannot be loaded: this process has that in %s already, and can hold one"
                            .formatted(directory, first));
        }
    }

    private static List<Path> dependencies(Path directory, String prefix) throws IOException {
        try (var files = Files.list(directory.toAbsolutePath())) {
            return files.filter(file -> file.getFileName().toString().startsWith(prefix))
                    .sorted()
                    .toList();
        }
    }

    /// As far as it can be told: what the C ABI says, or the `version.py` of the PyTorch around the folder.
    String version() {
        return version;
    }

    private String readVersion() {
        Optional<MemorySegment> function = symbols.find("aoti_torch_abi_version");
        if (function.isEmpty()) {
            return "of unknown version";
        }
        MethodHandle handle = LINKER.downcallHandle(function.get(), FunctionDescriptor.of(JAVA_LONG));
        try {
            long packed = (long) handle.invokeExact(); // one byte each, from the top: major, minor, patch
            return "%d.%d.%d".formatted(packed >>> 56, packed >>> 48 & 0xff, packed >>> 40 & 0xff);
        } catch (Throwable e) {
            throw failure("aoti_torch_abi_version", e);
        }
    }

    /// Binds a function by name.
    ///
    /// @param without what cannot be done without it
    private MethodHandle require(String name, String without, FunctionDescriptor descriptor) {
        MemorySegment address = symbols.find(name)
                .orElseThrow(
                        () -> new LibtorchException("libtorch %s in %s lacks %s, so %s; PyTorch 2.7 or newer has it"
                                .formatted(version, directory, name, without)));
        return LINKER.downcallHandle(address, descriptor);
    }

    private int constant(String name) {
        MethodHandle handle = require(name, "tensors cannot be described", FunctionDescriptor.of(JAVA_INT));
        try {
            return (int) handle.invokeExact();
        } catch (Throwable e) {
            throw failure(name, e);
        }
    }

    /// Bounds the threads of libtorch's own pool; false where the library does not let us.
    boolean limitThreads(int threads) {
        Optional<MemorySegment> function = symbols.find(SET_NUM_THREADS);
        if (function.isEmpty()) {
            return false;
        }
        try {
            LINKER.downcallHandle(function.get(), FunctionDescriptor.ofVoid(JAVA_INT))
                    .invokeExact(threads);
            return true;
        } catch (Throwable e) {
            throw failure("at::set_num_threads", e);
        }
    }

    /// A bf16 tensor over memory that stays the caller's and must outlive it.
    long wrapBf16(MemorySegment memory, long[] shape, long[] strides) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_LONG);
            int status = (int) createFromBlob.invokeExact(
                    memory,
                    (long) shape.length,
                    arena.allocateFrom(JAVA_LONG, shape),
                    arena.allocateFrom(JAVA_LONG, strides),
                    0L,
                    bf16,
                    cpu,
                    CPU_DEVICE_INDEX,
                    out);
            check(status, "aoti_torch_create_tensor_from_blob", shape);
            return out.get(JAVA_LONG, 0);
        } catch (Throwable e) {
            throw failure("aoti_torch_create_tensor_from_blob", e);
        }
    }

    void delete(long tensor) {
        try {
            check((int) delete.invokeExact(tensor), "aoti_torch_delete_tensor_object");
        } catch (Throwable e) {
            throw failure("aoti_torch_delete_tensor_object", e);
        }
    }

    /// The tensor's memory, as long as the tensor lives.
    MemorySegment data(long tensor, long sizeBytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ADDRESS);
            check((int) dataPointer.invokeExact(tensor, out), "aoti_torch_get_data_ptr");
            return out.get(ADDRESS, 0).reinterpret(sizeBytes);
        } catch (Throwable e) {
            throw failure("aoti_torch_get_data_ptr", e);
        }
    }

    /// `out = x · w` for matrices; the plain product that every processor has.
    MatrixProduct matrixProduct() {
        MethodHandle handle = require(
                "aoti_torch_cpu_mm_out",
                "matrices cannot be multiplied",
                FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG));
        return (out, x, w, shape) -> {
            try {
                check((int) handle.invokeExact(out, x, w), "aoti_torch_cpu_mm_out", shape);
            } catch (Throwable e) {
                throw failure("aoti_torch_cpu_mm_out", e);
            }
        };
    }

    /// oneDNN's linear layer on weights in its own layout.
    PackedLinear packedLinear() {
        String without = "weights cannot be prepacked for bf16 instructions";
        MethodHandle dispatcher = require(
                "aoti_torch_call_dispatcher", without, FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS));
        MethodHandle linear = require(
                "aoti_torch_cpu__linear_pointwise",
                without,
                FunctionDescriptor.of(
                        JAVA_INT, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS));
        return new PackedLinear(dispatcher, linear);
    }

    /// `out[rows, outputs] = x[rows, inputs] · w[inputs, outputs]`; `shape` is for the message should it fail.
    @FunctionalInterface
    interface MatrixProduct {
        void multiply(long out, long x, long w, long... shape);
    }

    /// Packs weights `[outputs, inputs]` and multiplies by them.
    final class PackedLinear {
        private final MethodHandle dispatcher;
        private final MethodHandle linear;
        private final MemorySegment reorder = Arena.global().allocateFrom("mkldnn::_reorder_linear_weight");
        private final MemorySegment none = Arena.global().allocateFrom("none");
        private final MemorySegment empty = Arena.global().allocateFrom("");
        private final MemorySegment noAlgorithm = Arena.global().allocate(ADDRESS);

        private PackedLinear(MethodHandle dispatcher, MethodHandle linear) {
            this.dispatcher = dispatcher;
            this.linear = linear;
        }

        /// Takes the weights' handle over and gives one of the packed weights.
        long pack(long weights, long... shape) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment stack = arena.allocate(JAVA_LONG, 2); // the tensor, and no batch size
                stack.setAtIndex(JAVA_LONG, 0, weights);
                check((int) dispatcher.invokeExact(reorder, empty, stack), "mkldnn::_reorder_linear_weight", shape);
                return stack.getAtIndex(JAVA_LONG, 0);
            } catch (Throwable e) {
                throw failure("mkldnn::_reorder_linear_weight", e);
            }
        }

        /// A new bf16 tensor `[rows, outputs]`.
        long multiply(long x, long packed, long... shape) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment out = arena.allocate(JAVA_LONG);
                int status = (int) linear.invokeExact(
                        x, packed, MemorySegment.NULL, none, noAlgorithm, 0L, MemorySegment.NULL, out);
                check(status, "aoti_torch_cpu__linear_pointwise", shape);
                return out.get(JAVA_LONG, 0);
            } catch (Throwable e) {
                throw failure("aoti_torch_cpu__linear_pointwise", e);
            }
        }
    }

    private void check(int status, String operation, long... shape) {
        if (status != 0) {
            throw new LibtorchException("libtorch %s: %s failed with status %d for shape %s of bfloat16"
                    .formatted(version, operation, status, Arrays.toString(shape)));
        }
    }

    private static RuntimeException failure(String operation, Throwable cause) {
        return switch (cause) {
            case RuntimeException known -> known;
            case Error error -> throw error;
            default -> new LibtorchException(operation + " failed: " + cause, cause);
        };
    }
}
