package org.openlora.benchmarks.machine;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.openlora.kernels.CpuFeatures;
import org.openlora.kernels.Lanes;
import org.openlora.server.problem.Problem;

/// A C source of this module, compiled for the processor at hand and linked into this process.
///
/// Only benchmarks compile C: a figure in C says what the machine gives, whatever Java makes of it.
public final class NativeCode implements AutoCloseable {
    private static final List<String> COMPILERS = List.of("gcc", "clang", "cc");
    private static final long COMPILE_SECONDS = 60;
    private static final int AVX512_BITS = 512;

    private final Arena arena = Arena.ofShared();
    private final SymbolLookup symbols;

    private NativeCode(Path library) {
        symbols = SymbolLookup.libraryLookup(library, arena);
    }

    /// Compiles `resource` of the package `org.openlora.benchmarks.c`; empty where there is no C compiler.
    ///
    /// C uses the vectors that this process's kernels use: where those were narrowed, to stand in for a smaller
    /// machine, C is narrowed too.
    ///
    /// @param options of the compiler, besides those for an optimised shared library
    /// @throws Problem if a compiler is there and refuses the source
    public static Optional<NativeCode> compile(String resource, List<String> options) {
        Optional<String> compiler = compiler();
        return compiler.map(name -> build(name, resource, options));
    }

    /// The function of this name.
    ///
    /// @throws IllegalArgumentException if the source has none
    public MethodHandle function(String name, FunctionDescriptor type) {
        return Linker.nativeLinker()
                .downcallHandle(
                        symbols.find(name)
                                .orElseThrow(() -> new IllegalArgumentException("the C source has no " + name)),
                        type);
    }

    @Override
    public void close() {
        arena.close();
    }

    private static Optional<String> compiler() {
        return Stream.of(System.getenv().getOrDefault("PATH", "").split(":"))
                .flatMap(folder -> COMPILERS.stream().map(name -> Path.of(folder, name)))
                .filter(Files::isExecutable)
                .map(Path::toString)
                .min(Comparator.comparingInt(path -> COMPILERS.indexOf(path.substring(path.lastIndexOf('/') + 1))));
    }

    private static NativeCode build(String compiler, String resource, List<String> options) {
        try {
            Path folder = Files.createTempDirectory("openlora-bench");
            Path source = folder.resolve(resource);
            Path library = folder.resolve(resource + ".so");
            try {
                copy(resource, source);
                run(compiler, options, source, library);
                // The loader maps the library; the file is not needed any more.
                return new NativeCode(library);
            } finally {
                Files.deleteIfExists(source);
                Files.deleteIfExists(library);
                Files.deleteIfExists(folder);
            }
        } catch (IOException e) {
            throw new Problem(
                    "%s cannot be compiled: %s".formatted(resource, Problem.describe(e)),
                    "check that the temporary folder can be written",
                    e);
        }
    }

    private static void copy(String resource, Path target) throws IOException {
        try (InputStream source = NativeCode.class.getResourceAsStream("/org/openlora/benchmarks/c/" + resource)) {
            if (source == null) {
                throw new IllegalArgumentException("there is no C source " + resource);
            }
            Files.copy(source, target);
        }
    }

    private static void run(String compiler, List<String> options, Path source, Path library) throws IOException {
        List<String> command = new ArrayList<>(List.of(compiler, "-O3", "-march=native"));
        if (CpuFeatures.detect().avx512f() && Lanes.bits() < AVX512_BITS) {
            command.add("-mno-avx512f");
        }
        command.addAll(options);
        command.addAll(List.of("-shared", "-fPIC", source.toString(), "-o", library.toString()));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output;
        try (InputStream stream = process.getInputStream()) {
            output = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        }
        try {
            if (!process.waitFor(COMPILE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new Problem("%s did not end within %d s".formatted(compiler, COMPILE_SECONDS), "try again");
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new Problem("compiling was interrupted", "try again", e);
        }
        if (process.exitValue() != 0) {
            throw new Problem(
                    "%s refused %s: %s".formatted(compiler, source.getFileName(), output),
                    "run without C by --no-native, or install another compiler");
        }
    }
}
