package org.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.BeforeAll;
import org.openlora.kernels.x86.MachineCode;

/// Bit for bit the sums that the documentation names, in plain Java: an audit needs no such processor.
class PairsLoraTest extends LoraKernelContract {
    @BeforeAll
    static void assumeInstructions() {
        assumeTrue(
                CpuFeatures.detect().avx512Bf16() && MachineCode.isPossible(),
                "the processor does not multiply bf16 in vectors");
    }

    @Override
    LoraLayout layout() {
        return LoraLayout.PAIRS;
    }

    @Override
    void check(String what, LoraBatch batch, float[] x, float[] before, float[] actual) {
        float[] expected = before.clone();
        for (int s = 0; s < batch.segments(); s++) {
            for (LoraModule module : batch.slots()[s].modules(0, LoraPoint.QKV)) {
                for (int e = batch.segmentStarts()[s]; e < batch.segmentStarts()[s + 1]; e++) {
                    int row = batch.rows()[e];
                    float factor = batch.scales()[e] * module.scaling();
                    add(module, x, row * INPUTS, factor, expected, row * OUTPUTS + module.outputOffset());
                }
            }
        }
        assertThat(actual).as(what).isEqualTo(expected);
    }

    private static void add(LoraModule module, float[] x, int xAt, float factor, float[] y, int yAt) {
        float[] rounded = new float[module.inputs()];
        for (int k = 0; k < rounded.length; k++) {
            rounded[k] = bf16(x[xAt + k]);
        }
        float[] h = new float[module.rank()];
        for (int r = 0; r < h.length; r++) {
            int rankRow = r;
            h[r] = bf16(sum(rounded, k -> module.aElementBytes(rankRow, k), module));
        }
        for (int o = 0; o < module.outputs(); o++) {
            int output = o;
            float sum = sum(h, r -> module.bElementBytes(r, output), module);
            y[yAt + o] = Math.fma(sum, factor, y[yAt + o]);
        }
    }

    private static float bf16(float value) {
        return Bf16.toFloat(Bf16.fromFloat(value));
    }

    private interface Place {
        long of(int index);
    }

    private static float sum(float[] inputs, Place weights, LoraModule module) {
        float sum = 0;
        for (int k = 0; k < inputs.length; k += 2) {
            if (k + 1 < inputs.length) {
                sum = Math.fma(inputs[k + 1], weight(module, weights.of(k + 1)), sum);
            }
            sum = Math.fma(inputs[k], weight(module, weights.of(k)), sum);
        }
        return sum;
    }

    private static float weight(LoraModule module, long at) {
        return Bf16.toFloat(module.weights().get(LoraModule.BF16, at));
    }
}
