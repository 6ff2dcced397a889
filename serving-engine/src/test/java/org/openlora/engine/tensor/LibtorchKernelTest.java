package org.openlora.engine.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.openlora.kernels.Bf16;
import org.openlora.kernels.LinearKernel;
import org.openlora.kernels.PackedMatrix;
import org.openlora.kernels.ReferenceKernels;
import org.openlora.kernels.WorkerPool;

class LibtorchKernelTest {
    private static final WorkerPool POOL = new WorkerPool(2);

    private final Random random = new Random(5);

    /// The same libtorch as every other test of this process: there can be only one.
    private static GemmSettings settings(GemmSettings.Mode mode) {
        GemmSettings system = GemmSettings.fromSystem();
        return new GemmSettings(mode, system.libtorchDirectory(), system.home(), GemmSettings.Weights.BF16);
    }

    @BeforeAll
    static void requireLibtorch() {
        Optional<Path> directory = LibtorchFiles.locate(settings(GemmSettings.Mode.LIBTORCH));
        assumeTrue(directory.isPresent(), "no libtorch for this platform; openlora.libtorch.dir may name one");
    }

    @AfterAll
    static void stopWorkers() {
        POOL.close();
    }

    private static LinearKernel kernel() {
        return LinearKernels.choose(POOL, settings(GemmSettings.Mode.LIBTORCH));
    }

    static Stream<Arguments> shapes() {
        return Stream.of(1, 2, 31, 32, 33, 70)
                .flatMap(rows -> Stream.of(Arguments.of(rows, 64, 48), Arguments.of(rows, 37, 129)));
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void multiply_anyShape_agreesWithTheReference(int rows, int outputs, int inputs) {
        LinearKernel kernel = kernel();
        try (Arena arena = Arena.ofShared()) {
            MemorySegment weights = weights(arena, outputs, inputs);
            float[] x = floats(rows * inputs);
            float[] expected = new float[rows * outputs];
            ReferenceKernels.linear(weights, outputs, inputs, x, rows, expected);
            float[] y = new float[rows * outputs];
            kernel.multiply(kernel.pack(arena, weights, outputs, inputs), x, rows, y);
            for (int i = 0; i < y.length; i++) {
                // x and y each lose up to 2^-9 of their size to bf16; sums of this length stay near sqrt(inputs).
                assertThat(y[i])
                        .isCloseTo(
                                expected[i],
                                within(0.004f * (float) Math.sqrt(inputs) + 0.004f * Math.abs(expected[i])));
            }
        }
    }

    @Test
    void multiply_rowAmongOthers_hasTheBitsItHasAlone() {
        LinearKernel kernel = kernel();
        try (Arena arena = Arena.ofShared()) {
            int inputs = 576;
            int outputs = 192;
            PackedMatrix matrix = kernel.pack(arena, weights(arena, outputs, inputs), outputs, inputs);
            float[] x = floats(75 * inputs);
            float[] together = new float[75 * outputs];
            kernel.multiply(matrix, x, 75, together);
            float[] alone = new float[outputs];
            for (int row = 0; row < 75; row++) {
                kernel.multiply(matrix, Arrays.copyOfRange(x, row * inputs, (row + 1) * inputs), 1, alone);
                assertThat(Arrays.copyOfRange(together, row * outputs, (row + 1) * outputs))
                        .isEqualTo(alone);
            }
        }
    }

    @Test
    void multiply_wrongArguments_areRefused() {
        LinearKernel kernel = kernel();
        LinearKernel other = ReferenceKernels.linearKernel();
        try (Arena arena = Arena.ofShared()) {
            MemorySegment weights = weights(arena, 4, 8);
            PackedMatrix matrix = kernel.pack(arena, weights, 4, 8);
            assertThatThrownBy(() -> kernel.pack(arena, weights, 5, 8))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("64 bytes are not 5 rows of 8");
            assertThatThrownBy(() -> kernel.multiply(matrix, new float[8], 1, new float[3]))
                    .isInstanceOf(IllegalArgumentException.class);
            PackedMatrix foreign = other.pack(arena, weights, 4, 8);
            assertThatThrownBy(() -> kernel.multiply(foreign, new float[8], 1, new float[4]))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("packed by another kernel");
        }
    }

    @Test
    void matrixProduct_shapesThatDoNotFit_failWithOperationAndShape() {
        Path directory =
                LibtorchFiles.locate(settings(GemmSettings.Mode.LIBTORCH)).orElseThrow();
        Libtorch libtorch = Libtorch.load(directory);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(2 * 16, 64);
            long x = libtorch.wrapBf16(memory, new long[] {2, 3}, new long[] {3, 1});
            assertThatThrownBy(() -> libtorch.matrixProduct().multiply(x, x, x, 2, 3))
                    .isInstanceOf(LibtorchException.class)
                    .hasMessageContaining("aoti_torch_cpu_mm_out failed with status")
                    .hasMessageContaining("[2, 3] of bfloat16")
                    .hasMessageContaining(libtorch.version());
            libtorch.delete(x);
        }
        assertThat(libtorch.version()).startsWith("2.");
    }

    @Test
    void load_secondLibtorchOfTheProcess_isRefusedInsteadOfAborting(@TempDir Path copy) throws IOException {
        Path directory =
                LibtorchFiles.locate(settings(GemmSettings.Mode.LIBTORCH)).orElseThrow();
        Libtorch.load(directory);
        Libtorch.load(directory);
        Files.createSymbolicLink(copy.resolve("same"), directory);
        Libtorch.load(copy.resolve("same"));
        Files.createFile(copy.resolve(LibtorchFiles.LIBRARY));
        assertThatThrownBy(() -> Libtorch.load(copy))
                .isInstanceOf(LibtorchException.class)
                .hasMessageContaining(copy.toRealPath().toString())
                .hasMessageContaining("can hold one");
    }

    private MemorySegment weights(Arena arena, int outputs, int inputs) {
        MemorySegment weights = arena.allocate(2L * outputs * inputs, 64);
        for (int i = 0; i < outputs * inputs; i++) {
            weights.setAtIndex(ValueLayout.JAVA_SHORT, i, Bf16.fromFloat(random.nextFloat(-1, 1)));
        }
        return weights;
    }

    private float[] floats(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = random.nextFloat(-1, 1);
        }
        return values;
    }
}
