package org.openlora.engine.golden;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.openlora.adapters.AdapterLease;
import org.openlora.engine.TeacherForcing;
import org.openlora.engine.scheduler.SchedulerConfig;

/// Several adapters on one request, each with a scale of its own, against PEFT's exact weighted sum of them; all
/// blends as one mixed batch.
class GoldenBlendsTest {
    private record Prompts(List<Prompt> prompts) {}

    @SuppressWarnings("ArrayRecordComponent") // Read from a fixture; never compared.
    private record Prompt(String name, int[] ids) {}

    private record Expected(String base, List<Blend> blends) {}

    private record Blend(String name, List<Part> parts, List<Result> results) {}

    private record Part(String adapter, int scalePpm) {}

    @SuppressWarnings("ArrayRecordComponent") // Read from a fixture; never compared.
    private record Result(String prompt, float[] logits, int[] greedyIds, float[] margins) {}

    @Test
    void forward_severalScaledAdapters_equalsPeftsWeightedSum()
            throws IOException, InterruptedException, ExecutionException {
        Expected expected = read(
                new GZIPInputStream(GoldenBlendsTest.class.getResourceAsStream("/golden/tiny/blends.json.gz")),
                Expected.class);
        assertThat(expected.blends()).hasSizeGreaterThanOrEqualTo(5);
        assertThat(expected.blends())
                .flatExtracting(Blend::parts)
                .anyMatch(part -> part.scalePpm() < 0)
                .anyMatch(part -> part.scalePpm() > 1_000_000);
        Map<String, int[]> idsByPrompt = new HashMap<>();
        read(GoldenBlendsTest.class.getResourceAsStream("/golden/tiny/prompts.json"), Prompts.class)
                .prompts()
                .forEach(prompt -> idsByPrompt.put(prompt.name(), prompt.ids()));

        try (GoldenBase base = GoldenBase.open(Examples.model(), 256);
                LoadedAdapters adapters = new LoadedAdapters(Examples.adapters(), base.adaptableModules())) {
            List<String> wrong = new ArrayList<>();
            List<TeacherForcing.Line> lines = new ArrayList<>();
            List<AdapterLease> leases = new ArrayList<>();
            for (Blend blend : expected.blends()) {
                AdapterLease lease =
                        adapters.lease(blend.parts().stream().map(Part::adapter).collect(Collectors.toSet()));
                leases.add(lease);
                List<Integer> scalesPpm = blend.parts().stream()
                        .sorted(Comparator.comparing(part -> adapters.digest(part.adapter())))
                        .map(Part::scalePpm)
                        .toList();
                for (Result result : blend.results()) {
                    String name = blend.name() + "/" + result.prompt();
                    GreedyComparison greedy = new GreedyComparison(
                            name, result.greedyIds(), result.margins(), Tolerances.NEAR_TIE, wrong);
                    lines.add(new TeacherForcing.Line(
                            0,
                            idsByPrompt.get(result.prompt()),
                            lease.adapters(),
                            scalesPpm,
                            result.greedyIds().length,
                            List.of((step, logits) -> {
                                if (step == 0) {
                                    Tolerances.assertLogits(logits, result.logits(), name);
                                }
                                return greedy.next(step, logits);
                            })));
                }
            }
            new TeacherForcing(base.model(), new SchedulerConfig(96, 256)).run(lines);
            leases.forEach(AdapterLease::close);
            assertThat(wrong).isEmpty();
        }
    }

    private static <T> T read(InputStream stream, Class<T> type) throws IOException {
        try (stream) {
            return JsonMapper.builder()
                    .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                    .build()
                    .readValue(stream, type);
        }
    }
}
