package org.openlora.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.openlora.benchmarks.machine.Ceilings;
import org.openlora.benchmarks.machine.Peak;
import org.openlora.benchmarks.report.KernelReport.Fork;
import org.openlora.benchmarks.report.KernelReport.Kernel;
import org.openlora.benchmarks.report.KernelReport.Rate;

class KernelReportTest {
    @Test
    void of_forksOnAChangingMachine_measuresEachAgainstItsOwnCeilings() {
        // 1000 bytes and 4000 operations in 100, 50 and 200 ns: 10, 20 and 5 GB/s.
        Kernel kernel =
                Kernel.of("gemv", Map.of("rows", "1"), List.of(fork(100, 10, 30), fork(50, 40, 40), fork(200, 4, 6)));
        Rate memory = Objects.requireNonNull(kernel.memory());
        assertThat(memory.rate().median()).isEqualTo(10);
        assertThat(memory.fraction().min()).isEqualTo(0.5);
        assertThat(memory.fraction().median()).isEqualTo(0.5);
        assertThat(memory.fraction().max()).isEqualTo(1);
        Rate compute = Objects.requireNonNull(kernel.compute());
        assertThat(compute.rate().max()).isCloseTo(80, within(1e-9));
    }

    @Test
    void of_withoutWorkToCount_isATimeOnly() {
        Ceilings ceilings = new Ceilings(1, 1, null, List.of());
        Kernel kernel = Kernel.of("barrier", Map.of(), List.of(new Fork(7, 0, 0, Peak.F32, ceilings, ceilings)));
        assertThat(kernel.memory()).isNull();
        assertThat(kernel.compute()).isNull();
        assertThat(kernel.nanosPerOperation().median()).isEqualTo(7);
    }

    @Test
    void of_bf16Products_areJudgedByTheirOwnPeak() {
        Ceilings ceilings = new Ceilings(10, 100, 400.0, List.of());
        Kernel dot = Kernel.of("gemm", Map.of(), List.of(new Fork(10, 1000, 2000, Peak.BF16, ceilings, ceilings)));
        assertThat(Objects.requireNonNull(dot.compute()).fraction().median()).isEqualTo(0.5);
        Ceilings unmeasured = new Ceilings(10, 100, null, List.of());
        assertThatThrownBy(() -> Peak.BF16.gflops(unmeasured)).hasMessageContaining("allowed here is f32");
        assertThat(Peak.AUTO.gflops(unmeasured)).isEqualTo(100);
    }

    @Test
    void of_withoutForks_isRefused() {
        assertThatThrownBy(() -> Kernel.of("gemv", Map.of(), List.of())).hasMessageContaining("gemv");
    }

    private static Fork fork(double nanos, double readBefore, double readAfter) {
        return new Fork(
                nanos,
                1000,
                4000,
                Peak.AUTO,
                new Ceilings(readBefore, 100, null, List.of()),
                new Ceilings(readAfter, 100, null, List.of()));
    }
}
