package org.openlora.engine.golden;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.openlora.engine.TeacherForcing;
import org.openlora.engine.scheduler.SchedulerConfig;

/// Every supported architecture against Transformers' logits and greedy tokens, on tiny random checkpoints.
class GoldenArchTest {
    private record Expected(String name, List<Prompt> prompts) {}

    @SuppressWarnings("ArrayRecordComponent") // Read from a fixture; never compared.
    private record Prompt(int[] promptIds, List<Position> positions, int[] greedyIds, float[] margins) {}

    @SuppressWarnings("ArrayRecordComponent") // Read from a fixture; never compared.
    private record Position(int index, float[] logits) {}

    static Stream<String> cases() throws IOException, URISyntaxException {
        Path arch = Path.of(GoldenArchTest.class.getResource("/golden/arch").toURI());
        try (Stream<Path> folders = Files.list(arch)) {
            return folders.map(Path::toString).sorted().toList().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void forward_tinyCheckpoint_equalsTransformers(String folder) throws IOException {
        compare(Path.of(folder), Path.of(folder, "expected.json"));
    }

    @org.junit.jupiter.api.Test
    void forward_tinyGguf_equalsTransformers() throws IOException, URISyntaxException {
        Path gguf = Path.of(
                GoldenArchTest.class.getResource("/golden/gguf/llama.gguf").toURI());
        compare(gguf, gguf.resolveSibling("llama.json"));
    }

    private static void compare(Path checkpoint, Path fixture) throws IOException {
        Expected expected = JsonMapper.builder().build().readValue(fixture.toFile(), Expected.class);
        try (GoldenBase base = GoldenBase.open(checkpoint, 128)) {
            for (Prompt prompt : expected.prompts()) {
                // A budget of 11 rows a step: the longer prompt is computed in chunks.
                TeacherForcing runner = new TeacherForcing(base.model(), new SchedulerConfig(4, 11));
                for (Position position : prompt.positions()) {
                    float[] logits =
                            runner.logitsAfter(Arrays.copyOf(prompt.promptIds(), position.index() + 1), List.of());
                    Tolerances.assertLogits(logits, position.logits(), expected.name() + " at " + position.index());
                }
                List<String> wrong = new ArrayList<>();
                runner.run(List.of(new TeacherForcing.Line(
                        prompt.promptIds(),
                        List.of(),
                        prompt.greedyIds().length,
                        new GreedyComparison(
                                expected.name(),
                                prompt.greedyIds(),
                                prompt.margins(),
                                Tolerances.nearTieOfRandomWeights(),
                                wrong))));
                assertThat(wrong).isEmpty();
            }
        }
    }
}
