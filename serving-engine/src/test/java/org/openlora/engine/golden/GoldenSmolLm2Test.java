package org.openlora.engine.golden;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.Digest;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.engine.TeacherForcing;
import org.openlora.engine.scheduler.SchedulerConfig;

/// SmolLM2-135M-Instruct (Q4_1) with and without four PEFT adapters, against Transformers and PEFT in float32:
/// all prompts of all variants run as one mixed batch, prefilled in chunks and decoded step by step.
class GoldenSmolLm2Test {
    private record Prompts(String chatTemplateSha256, List<Prompt> prompts) {}

    @SuppressWarnings("ArrayRecordComponent") // Read from a fixture; never compared.
    private record Prompt(String name, @Nullable List<Map<String, String>> messages, String text, int[] ids) {}

    @SuppressWarnings("ArrayRecordComponent") // Read from a fixture; never compared.
    private record Expected(String base, int[] sampledIds, List<Variant> variants) {}

    private record Variant(@Nullable String adapter, List<Result> results) {}

    @SuppressWarnings("ArrayRecordComponent") // Read from a fixture; never compared.
    private record Result(
            String prompt, int[] topIds, float[] topLogits, float[] sampledLogits, int[] greedyIds, float[] margins) {}

    @TempDir
    private Path folder;

    @Test
    void forward_mixedBatchOfAllVariants_equalsTransformersAndPeft()
            throws IOException, InterruptedException, ExecutionException {
        Optional<Path> gguf = SmolLm2File.find();
        Assumptions.assumeTrue(gguf.isPresent(), SmolLm2File.REASON);
        Prompts prompts =
                read(GoldenSmolLm2Test.class.getResourceAsStream("/golden/smollm2/prompts.json"), Prompts.class);
        Expected expected = read(
                new GZIPInputStream(GoldenSmolLm2Test.class.getResourceAsStream("/golden/smollm2/expected.json.gz")),
                Expected.class);
        for (GoldenAdapters.Adapter adapter : GoldenAdapters.all()) {
            GoldenAdapters.write(adapter, folder);
        }
        try (GoldenBase base = GoldenBase.open(gguf.orElseThrow(), 512)) {
            try (LoadedAdapters adapters = new LoadedAdapters(folder, base.adaptableModules())) {
                for (GoldenAdapters.Adapter adapter : GoldenAdapters.all()) {
                    assertThat(adapters.digest(adapter.name())).isEqualTo(Digest.parse(adapter.digest()));
                }
                compare(base, adapters, prompts, expected);
            }
        }
    }

    private static void compare(GoldenBase base, LoadedAdapters adapters, Prompts prompts, Expected expected)
            throws InterruptedException, ExecutionException {
        Map<String, int[]> idsByPrompt = new HashMap<>();
        prompts.prompts().forEach(prompt -> idsByPrompt.put(prompt.name(), prompt.ids()));
        List<String> wrong = new ArrayList<>();
        List<TeacherForcing.Line> lines = new ArrayList<>();
        List<AdapterLease> leases = new ArrayList<>();
        for (Variant variant : expected.variants()) {
            AdapterLease lease = adapters.lease(variant.adapter());
            leases.add(lease);
            for (Result result : variant.results()) {
                lines.add(line(
                        variant.adapter(),
                        result,
                        idsByPrompt.get(result.prompt()),
                        lease.adapters(),
                        expected,
                        wrong));
            }
        }
        new TeacherForcing(base.model(), new SchedulerConfig(64, 512)).run(lines);
        leases.forEach(AdapterLease::close);
        assertThat(lines).hasSizeGreaterThanOrEqualTo(40);
        assertThat(wrong).isEmpty();
    }

    private static TeacherForcing.Line line(
            @Nullable String adapter,
            Result result,
            int[] prompt,
            List<ResidentAdapter> adapters,
            Expected expected,
            List<String> wrong) {
        String name = adapter + "/" + result.prompt();
        GreedyComparison greedy =
                new GreedyComparison(name, result.greedyIds(), result.margins(), Tolerances.NEAR_TIE, wrong);
        return new TeacherForcing.Line(prompt, adapters, result.greedyIds().length, (step, logits) -> {
            if (step == 0) {
                Tolerances.assertLogits(pick(logits, result.topIds()), result.topLogits(), name + ", best logits");
                Tolerances.assertLogits(
                        pick(logits, expected.sampledIds()), result.sampledLogits(), name + ", sampled logits");
            }
            return greedy.next(step, logits);
        });
    }

    private static float[] pick(float[] logits, int[] ids) {
        float[] picked = new float[ids.length];
        for (int i = 0; i < ids.length; i++) {
            picked[i] = logits[ids[i]];
        }
        return picked;
    }

    private static <T> T read(InputStream stream, Class<T> type) throws IOException {
        try (stream) {
            return JsonMapper.builder().build().readValue(stream, type);
        }
    }
}
