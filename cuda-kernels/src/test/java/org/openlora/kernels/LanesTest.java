package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

/// Runs kernels at vector widths other than the processor's own, each in a process of its own because the width
/// is fixed when a process starts. The Vector API emulates widths that the processor lacks.
class LanesTest {
    @Test
    void kernels_anyWidth_areNearTheReferenceAndLinearHasTheSameBits() throws IOException, InterruptedException {
        String hash = "";
        for (String bits : List.of("128", "256", "512")) {
            String output = fork(bits);
            assertThat(output).startsWith("width " + bits + " linear ").endsWith("all near the reference");
            String linear = output.replaceAll("^width \\d+ linear (-?\\d+) .*$", "$1");
            assertThat(linear).isEqualTo(hash.isEmpty() ? linear : hash);
            hash = linear;
        }
    }

    @Test
    void width_notAllowed_isRefusedByName() throws IOException, InterruptedException {
        assertThat(fork("96")).contains("openlora.vector.bits is '96', allowed are 128, 256 and 512");
    }

    @Test
    void sum_lanes_addsAsATree() {
        float[] lanes = new float[1 + Lanes.COUNT];
        lanes[0] = 99;
        lanes[1] = 1e8f;
        lanes[2] = 1;
        lanes[1 + Lanes.COUNT / 2] = -1e8f;
        lanes[2 + Lanes.COUNT / 2] = 1;
        assertThat(Lanes.sum(lanes, 1)).as("(1e8 - 1e8) + (1 + 1)").isEqualTo(2);
        assertThat(lanes[0]).isEqualTo(99);
    }

    @Test
    void sum_vector_hasTheBitsOfTheStoredLanes() {
        for (int seed = 0; seed < 50; seed++) {
            float[] lanes = Data.floats(seed, Lanes.COUNT);
            lanes[seed % Lanes.COUNT] *= 1e4f;
            float sum = Lanes.sum(FloatVector.fromArray(Lanes.FLOATS, lanes, 0));
            assertThat(sum).isEqualTo(Lanes.sum(lanes, 0));
        }
    }

    private static String fork(String bits) throws IOException, InterruptedException {
        List<String> command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "-D" + Lanes.BITS_PROPERTY + "=" + bits,
                "-cp",
                System.getProperty("java.class.path"),
                Forked.class.getName());
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        // The JVM itself warns of the incubator module.
        return output.replaceAll("(?m)^WARNING: .*incubator.*$", "").strip();
    }

    /// What the other processes run.
    static final class Forked {
        private Forked() {}

        public static void main(String[] arguments) {
            try (Arena arena = Arena.ofShared();
                    WorkerPool pool = new WorkerPool(2)) {
                float[] y = linear(arena, pool);
                lora(arena, pool);
                attention(arena, pool);
                elementwise(pool);
                System.out.println(
                        "width " + Lanes.bits() + " linear " + Arrays.hashCode(y) + " all near the reference");
            }
        }

        private static float[] linear(Arena arena, WorkerPool pool) {
            int outputs = 203;
            int inputs = 67;
            MemorySegment weights = Data.bf16(arena, Data.floats(1, outputs * inputs));
            PanelKernel kernel = new PanelKernel(pool);
            float[] x = Data.floats(2, 7 * inputs);
            float[] y = new float[7 * outputs];
            kernel.multiply(kernel.pack(arena, weights, outputs, inputs), x, 7, y);
            float[] expected = new float[7 * outputs];
            ReferenceKernels.linear(weights, outputs, inputs, x, 7, expected);
            Tolerance.LINEAR.check("linear", y, expected);
            return y;
        }

        private static void lora(Arena arena, WorkerPool pool) {
            LoraModule module = LoraModule.write(
                    LoraLayout.RANK_ROWS,
                    arena.allocate(LoraModule.bytesFor(5, 67, 203), 16),
                    0,
                    Data.floats(3, 5 * 67),
                    Data.floats(4, 203 * 5),
                    5,
                    67,
                    203,
                    0,
                    0.5f);
            LoraSlot[] slots = {(_, _) -> List.of(module)};
            LoraBatch batch = new LoraBatch(new int[] {0, 2, 4}, new int[] {0, 3}, slots, new float[] {1, 2, 3});
            float[] x = Data.floats(5, 5 * 67);
            float[] actual = new float[5 * 203];
            float[] expected = new float[5 * 203];
            new LoraKernel(pool, LoraLayout.RANK_ROWS).apply(batch, 0, LoraPoint.O, x, 67, actual, 203);
            ReferenceKernels.lora(batch, 0, LoraPoint.O, x, 67, expected, 203);
            Tolerance.LORA.check("lora", actual, expected);
        }

        private static void attention(Arena arena, WorkerPool pool) {
            int headDim = 48;
            KvLayout layout = new KvLayout(1, 1, headDim, 16);
            PagedAttention attention = new PagedAttention(pool, layout, 3);
            KvPages pages = new KvPages(arena, layout, 3);
            int tokens = 37;
            float[] k = Data.bf16Floats(6, tokens * headDim);
            float[] v = Data.bf16Floats(7, tokens * headDim);
            int[] slots = new int[tokens];
            Arrays.setAll(slots, t -> t);
            attention.write(pages, 0, slots, k, headDim, 0, v, headDim, 0);
            float[] q = Data.floats(8, 3 * headDim);
            float[] actual = new float[3 * headDim];
            AttentionBatch batch =
                    new AttentionBatch(new int[] {tokens - 1}, new int[] {0}, new int[][] {{0, 1, 2}}, 20);
            attention.attend(pages, 0, batch, q, 3 * headDim, 0, 0.2f, actual);
            for (int h = 0; h < 3; h++) {
                float[] expected = ReferenceKernels.attention(
                        Data.row(q, h, headDim), k, v, headDim, tokens - 20, tokens - 1, 0.2f);
                Tolerance.ATTENTION.check("attention", Data.row(actual, h, headDim), expected);
            }
        }

        private static void elementwise(WorkerPool pool) {
            float[] gateUp = Data.floats(9, 3 * 2 * 37);
            float[] actual = new float[3 * 37];
            float[] expected = new float[3 * 37];
            new Elementwise(pool).siluMul(gateUp, 3, 37, actual);
            ReferenceKernels.siluMul(gateUp, 3, 37, expected);
            Tolerance.SILU.check("siluMul", actual, expected);
        }
    }
}
