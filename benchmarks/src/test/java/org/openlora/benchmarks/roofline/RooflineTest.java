package org.openlora.benchmarks.roofline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.openlora.engine.weights.Architecture;
import org.openlora.engine.weights.ModelConfig;
import org.openlora.kernels.RopeScaling;

class RooflineTest {
    private static final int[] RANKS = {16, 8, 32, 64};

    /// Expected figures come from an independent program over the same shapes.
    @ParameterizedTest
    @CsvSource({
        "smollm2-135m, 27, 195, 2.0, B1, 89.154479, 10.125312, MEMORY",
        "smollm2-135m, 27, 195, 2.0, W1, 85.996376, 10.487125, MEMORY",
        "smollm2-135m, 27, 195, 2.0, W2, 385.278909, 11.634005, MEMORY",
        "smollm2-135m, 27, 195, 2.0, W3, 305.573909, 16.699392, MEMORY",
        "smollm2-135m, 27, 195, 2.0, W4, 328.932737, 14.890325, MEMORY",
        "smollm2-135m, 27, 195, 2.0, W5, 399.968259, 11.272192, MEMORY",
        "smollm2-135m, 28, 1300, 1.0625, B1, 184.342141, 5.261019, MEMORY",
        "smollm2-135m, 28, 1300, 1.0625, W1, 172.977413, 5.609911, MEMORY",
        "smollm2-135m, 28, 1300, 1.0625, W2, 989.443037, 6.715831, MEMORY",
        "smollm2-135m, 28, 1300, 1.0625, W3, 614.324249, 11.600311, MEMORY",
        "smollm2-135m, 28, 1300, 1.0625, W4, 709.819733, 9.855854, MEMORY",
        "smollm2-135m, 28, 1300, 1.0625, W5, 1042.162140, 6.366939, MEMORY",
        "llama-1b, 27, 195, 2.0, B1, 9.825967, 91.769818, MEMORY",
        "llama-1b, 27, 195, 2.0, W1, 9.735037, 92.604795, MEMORY",
        "llama-1b, 27, 195, 2.0, W2, 43.654987, 102.319508, COMPUTE",
        "llama-1b, 27, 195, 2.0, W3, 42.627905, 105.925594, MEMORY",
        "llama-1b, 27, 195, 2.0, W4, 43.326977, 103.013182, COMPUTE",
        "llama-1b, 27, 195, 2.0, W5, 44.100138, 101.394611, COMPUTE"
    })
    void limit_closedLoop_isThatOfTheReference(
            String size,
            double gigabytes,
            double gflops,
            double width,
            String batch,
            double tokensPerSecond,
            double millis,
            Roofline.Bound bound) {
        Roofline roofline = new Roofline(ModelShape.of(config(size)), gigabytes, gflops, width);
        Roofline.Limit limit = roofline.limit(adapters(batch), adapter -> RANKS[adapter % 4], 128, 128);

        assertThat(limit.tokensPerSecond()).isCloseTo(tokensPerSecond, within(1e-5 * tokensPerSecond));
        assertThat(limit.decodeStepMillis()).isCloseTo(millis, within(1e-5 * millis));
        assertThat(limit.bound()).isEqualTo(bound);
    }

    @Test
    void roofline_impossibleNumbers_areRefusedByName() {
        ModelShape shape = ModelShape.of(config("smollm2-135m"));
        assertThatThrownBy(() -> new Roofline(shape, 0, 1, 2)).hasMessageContaining("readGigabytesPerSecond");
        assertThatThrownBy(() -> new Roofline(shape, 1, 1, 2).limit(List.of(), adapter -> 1, 1, 1))
                .hasMessageContaining("streams");
    }

    private static List<Integer> adapters(String batch) {
        return switch (batch) {
            case "B1" -> List.of(Roofline.NO_ADAPTER);
            case "W1" -> List.of(0);
            case "W2" -> Collections.nCopies(8, 0);
            case "W3" -> List.of(0, 1, 2, 3, 4, 5, 6, 7);
            case "W4" -> List.of(12, 20, 10, 18, 10, 20, 55, 12);
            default -> Collections.nCopies(8, Roofline.NO_ADAPTER);
        };
    }

    private static ModelConfig config(String size) {
        return size.equals("smollm2-135m") ? config(576, 30, 9, 3, 1536, 49152) : config(2048, 16, 32, 8, 8192, 128256);
    }

    private static ModelConfig config(
            int hidden, int layers, int heads, int kvHeads, int intermediate, int vocabulary) {
        return new ModelConfig(
                Architecture.LLAMA,
                false,
                8192,
                64,
                heads,
                hidden,
                intermediate,
                kvHeads,
                layers,
                1e-5,
                new RopeScaling.None(),
                100_000,
                0,
                true,
                vocabulary,
                List.of(0),
                -1);
    }
}
