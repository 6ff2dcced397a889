package org.openlora.engine.golden;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.Digest;
import org.openlora.engine.TeacherForcing;
import org.openlora.engine.scheduler.SchedulerConfig;

/// The bundled model, bare and with each example adapter, against Transformers and PEFT in float32, as one mixed
/// batch.
class GoldenTinyTest {
    private record Prompts(List<Prompt> prompts) {}

    @SuppressWarnings("ArrayRecordComponent") // Read from a fixture; never compared.
    private record Prompt(String name, @Nullable Object messages, String text, int[] ids) {}

    private record Expected(String base, List<Variant> variants) {}

    private record Variant(
            @Nullable String adapter, @Nullable String digest, List<Result> results) {}

    @SuppressWarnings("ArrayRecordComponent") // Read from a fixture; never compared.
    private record Result(String prompt, float[] logits, int[] greedyIds, float[] margins) {}

    @Test
    void forward_mixedBatchOfAllVariants_equalsTransformersAndPeft()
            throws IOException, InterruptedException, ExecutionException {
        Prompts prompts = read(GoldenTinyTest.class.getResourceAsStream("/golden/tiny/prompts.json"), Prompts.class);
        Expected expected = read(
                new GZIPInputStream(GoldenTinyTest.class.getResourceAsStream("/golden/tiny/expected.json.gz")),
                Expected.class);
        assertThat(expected.variants()).as("the base and four adapters or more").hasSizeGreaterThanOrEqualTo(5);
        Map<String, int[]> idsByPrompt = new HashMap<>();
        prompts.prompts().forEach(prompt -> idsByPrompt.put(prompt.name(), prompt.ids()));
        assertThat(idsByPrompt).hasSizeGreaterThanOrEqualTo(8);

        try (GoldenBase base = GoldenBase.open(Examples.model(), 256);
                LoadedAdapters adapters = new LoadedAdapters(Examples.adapters(), base.adaptableModules())) {
            List<String> wrong = new ArrayList<>();
            List<TeacherForcing.Line> lines = new ArrayList<>();
            List<AdapterLease> leases = new ArrayList<>();
            for (Variant variant : expected.variants()) {
                if (variant.adapter() != null && variant.digest() != null) {
                    assertThat(adapters.digest(variant.adapter())).isEqualTo(Digest.parse(variant.digest()));
                }
                AdapterLease lease = adapters.lease(variant.adapter());
                leases.add(lease);
                for (Result result : variant.results()) {
                    String name = variant.adapter() + "/" + result.prompt();
                    GreedyComparison greedy = new GreedyComparison(
                            name, result.greedyIds(), result.margins(), Tolerances.NEAR_TIE, wrong);
                    lines.add(new TeacherForcing.Line(
                            idsByPrompt.get(result.prompt()),
                            lease.adapters(),
                            result.greedyIds().length,
                            (step, logits) -> {
                                if (step == 0) {
                                    Tolerances.assertLogits(logits, result.logits(), name);
                                }
                                return greedy.next(step, logits);
                            }));
                }
            }
            new TeacherForcing(base.model(), new SchedulerConfig(96, 256)).run(lines);
            leases.forEach(AdapterLease::close);
            assertThat(wrong).isEmpty();
        }
    }

    private static <T> T read(InputStream stream, Class<T> type) throws IOException {
        try (stream) {
            return JsonMapper.builder().build().readValue(stream, type);
        }
    }
}
