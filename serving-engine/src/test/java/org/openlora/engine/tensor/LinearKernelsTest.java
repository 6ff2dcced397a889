package org.openlora.engine.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.engine.tensor.GemmSettings.Mode;
import org.openlora.engine.tensor.GemmSettings.Weights;
import org.openlora.engine.tensor.LinearKernels.Family;
import org.openlora.kernels.CpuFeatures;
import org.openlora.kernels.LinearKernel;
import org.openlora.kernels.WorkerPool;

class LinearKernelsTest {
    private static final CpuFeatures ZEN3 = CpuFeatures.parse("processor: 0\nflags\t\t: fpu avx avx2 fma\n");
    private static final CpuFeatures ZEN5 = CpuFeatures.parse("flags : avx2 avx512f avx512_bf16\n");
    private static final CpuFeatures SAPPHIRE_RAPIDS =
            CpuFeatures.parse("flags : avx2 avx512f avx512_bf16 amx_bf16 amx_tile\n".repeat(2));

    @Test
    void parse_flagsOfProcessors_areThoseThatAllHave() {
        assertThat(ZEN3).isEqualTo(new CpuFeatures(true, false, false, false));
        assertThat(SAPPHIRE_RAPIDS).isEqualTo(new CpuFeatures(true, true, true, true));
        assertThat(CpuFeatures.parse("flags: avx2 amx_bf16\nflags: avx2\n"))
                .isEqualTo(new CpuFeatures(true, false, false, false));
        assertThat(CpuFeatures.parse("Features : fp asimd bf16\n")).isEqualTo(CpuFeatures.parse(""));
    }

    @Test
    void decide_auto_goesByTheProcessor() {
        assertThat(LinearKernels.decide(Mode.AUTO, ZEN3, true))
                .isEqualTo(new LinearKernels.Choice(Family.PANEL, "AVX2"));
        assertThat(LinearKernels.decide(Mode.AUTO, ZEN5, true))
                .isEqualTo(new LinearKernels.Choice(Family.DOT, "AVX-512-bf16"));
        assertThat(LinearKernels.decide(Mode.AUTO, SAPPHIRE_RAPIDS, true))
                .isEqualTo(new LinearKernels.Choice(Family.LIBTORCH, "AMX-bf16"));
        assertThat(LinearKernels.decide(Mode.AUTO, ZEN5, false).family()).isEqualTo(Family.PANEL);
    }

    @Test
    void decide_byName_isThatOrRefused() {
        assertThat(LinearKernels.decide(Mode.LIBTORCH, ZEN3, true).family()).isEqualTo(Family.LIBTORCH);
        assertThat(LinearKernels.decide(Mode.PANEL, SAPPHIRE_RAPIDS, true).family())
                .isEqualTo(Family.PANEL);
        assertThat(LinearKernels.decide(Mode.DOT, SAPPHIRE_RAPIDS, true).family())
                .isEqualTo(Family.DOT);
        assertThatThrownBy(() -> LinearKernels.decide(Mode.DOT, ZEN3, true))
                .hasMessage("openlora.gemm is dot, which needs a processor with AVX-512-bf16 (this one has AVX2) and"
                        + " native access");
    }

    @Test
    void choose_panel_isOurKernelWithItsNumericPath(@TempDir Path home) {
        try (WorkerPool pool = new WorkerPool(1)) {
            LinearKernel kernel = LinearKernels.choose(pool, new GemmSettings(Mode.PANEL, null, home, Weights.BF16));
            assertThat(kernel.id()).startsWith("panel");
            assertThat(NumericPath.of(kernel).family()).isEqualTo(kernel.id());
        }
    }

    @Test
    void choose_folderWithoutLibtorch_isRefusedByName(@TempDir Path empty) {
        try (WorkerPool pool = new WorkerPool(1)) {
            assertThatThrownBy(() ->
                            LinearKernels.choose(pool, new GemmSettings(Mode.LIBTORCH, empty, empty, Weights.BF16)))
                    .isInstanceOf(LibtorchException.class)
                    .hasMessageContaining("no libtorch_cpu.so there; openlora.libtorch.dir must name the torch/lib");
        }
    }

    @Test
    void mode_otherWord_isRefused() {
        assertThat(Mode.parse("")).isEqualTo(Mode.AUTO);
        assertThat(Mode.parse("Panel")).isEqualTo(Mode.PANEL);
        assertThatThrownBy(() -> Mode.parse("mkl"))
                .hasMessage("openlora.gemm is 'mkl'; allowed are auto, panel, dot, libtorch");
    }

    @Test
    void numericPath_digest_isTheFrozenForm() {
        // Computed apart from this code, in Python.
        assertThat(new NumericPath("panel-bf16", 8, "bf16").digest().toString())
                .isEqualTo("sha256:86e21f03488629f5c39c29b0ed804f1817ac3bda7202cc5506cbd814bd40d2c5");
    }

    @Test
    void choose_int8_isItsKernelOnAnyProcessorAndInTheNumericPath(@TempDir Path home) {
        try (WorkerPool pool = new WorkerPool(1)) {
            LinearKernel kernel = LinearKernels.choose(pool, new GemmSettings(Mode.AUTO, null, home, Weights.INT8));
            assertThat(kernel.id()).startsWith("panel-int8-g128-");
            assertThat(NumericPath.of(kernel).weights()).isEqualTo("int8-g128");
        }
        // Computed apart from this code, in Python.
        assertThat(new NumericPath("panel-int8-g128-256", 8, "int8-g128")
                        .digest()
                        .toString())
                .isEqualTo("sha256:6fbac5d0dfb14fde2cc4f683618c6686406af87fbc2695e600aadf42f43724fb");
    }

    @Test
    void weights_otherWordOrLibtorch_areRefused(@TempDir Path home) {
        assertThat(Weights.parse("")).isEqualTo(Weights.BF16);
        assertThat(Weights.parse("INT8")).isEqualTo(Weights.INT8);
        assertThatThrownBy(() -> Weights.parse("fp8")).hasMessage("openlora.weights is 'fp8'; allowed are bf16, int8");
        assertThatThrownBy(() -> new GemmSettings(Mode.LIBTORCH, null, home, Weights.INT8))
                .hasMessage(
                        "openlora.weights is int8 and openlora.gemm is libtorch; with int8, allowed are auto, panel");
    }
}
