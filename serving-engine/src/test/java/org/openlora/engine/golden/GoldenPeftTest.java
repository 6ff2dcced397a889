package org.openlora.engine.golden;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.Digest;
import org.openlora.engine.TeacherForcing;
import org.openlora.engine.scheduler.SchedulerConfig;

/// Every feature of PEFT that is served against Transformers and PEFT, on adapters that PEFT saved; and for every
/// feature the proof that reading it wrongly would be found out.
///
/// What an adapter does to the logits is judged by itself: the error is taken over the adapter's own effect, which a
/// tolerance on whole logits would hide.
class GoldenPeftTest {
    @SuppressWarnings("ArrayRecordComponent") // Read from a fixture; never compared.
    private record Expected(String base, int[] sampledIds, List<Prompt> prompts, List<Variant> variants) {}

    @SuppressWarnings("ArrayRecordComponent") // Read from a fixture; never compared.
    private record Prompt(String name, int[] ids) {}

    private record Variant(
            @Nullable String adapter, @Nullable String digest, List<Result> results) {}

    @SuppressWarnings("ArrayRecordComponent") // Read from a fixture; never compared.
    private record Result(
            String prompt, int[] topIds, float[] topLogits, float[] sampledLogits, int[] greedyIds, float[] margins) {}

    @TempDir
    private Path scratch;

    @Test
    void embeddedModel_everyFeature_equalsPeftAndNoMisreadingPasses()
            throws IOException, InterruptedException, ExecutionException, URISyntaxException {
        judge("tiny", Examples.model(), Stream.concat(Misreading.all(), Misreading.ofEmbeddedModel()));
    }

    @Test
    void smolLm2_everyFeature_equalsPeftAndNoMisreadingPasses()
            throws IOException, InterruptedException, ExecutionException, URISyntaxException {
        Optional<Path> gguf = SmolLm2File.find();
        Assumptions.assumeTrue(gguf.isPresent(), SmolLm2File.REASON);
        judge("smollm2", gguf.orElseThrow(), Misreading.all());
    }

    private void judge(String fixture, Path model, Stream<Misreading> misreadings)
            throws IOException, InterruptedException, ExecutionException, URISyntaxException {
        Expected expected = expected(fixture);
        Path golden = Path.of(GoldenPeftTest.class
                .getResource("/golden/peft/" + fixture + "/adapters")
                .toURI());
        Map<String, Variant> variants = new LinkedHashMap<>();
        expected.variants().stream()
                .filter(variant -> variant.adapter() != null)
                .forEach(variant -> variants.put(variant.adapter(), variant));
        Map<String, Variant> misread = new LinkedHashMap<>();
        for (Misreading misreading : misreadings.toList()) {
            EditableAdapter adapter = EditableAdapter.read(golden.resolve(misreading.adapter()));
            misreading.edit().accept(adapter);
            adapter.write(scratch.resolve(misreading.name()));
            misread.put(misreading.name(), variants.get(misreading.adapter()));
        }
        try (GoldenBase base = GoldenBase.open(model, 256);
                LoadedAdapters right = new LoadedAdapters(golden, base.adaptableModules());
                LoadedAdapters wrong = new LoadedAdapters(scratch, base.adaptableModules())) {
            for (Variant variant : variants.values()) {
                assertThat(right.digest(variant.adapter())).isEqualTo(Digest.parse(variant.digest()));
            }
            assertThat(problems(base, right, expected, variants, Integer.MAX_VALUE))
                    .isEmpty();
            assertThat(problems(base, wrong, expected, misread, 1)).containsOnlyKeys(misread.keySet());
        }
    }

    /// What is wrong with each adapter that is not what its variant says, all run as one mixed batch.
    ///
    /// @param mostTokens of each answer
    private static Map<String, List<String>> problems(
            GoldenBase base, LoadedAdapters adapters, Expected expected, Map<String, Variant> variants, int mostTokens)
            throws InterruptedException, ExecutionException {
        Map<String, List<String>> problems = new TreeMap<>();
        List<TeacherForcing.Line> lines = new ArrayList<>();
        List<AdapterLease> leases = new ArrayList<>();
        for (Map.Entry<String, Variant> entry : variants.entrySet()) {
            List<String> found = new ArrayList<>();
            try {
                AdapterLease lease = adapters.lease(entry.getKey());
                leases.add(lease);
                for (int i = 0; i < expected.prompts().size(); i++) {
                    lines.add(line(expected, i, entry.getValue(), lease, mostTokens, found));
                }
            } catch (AdapterException e) {
                found.add(e.getMessage());
            }
            problems.put(entry.getKey(), found);
        }
        new TeacherForcing(base.model(), new SchedulerConfig(64, 256)).run(lines);
        leases.forEach(AdapterLease::close);
        problems.values().removeIf(List::isEmpty);
        return problems;
    }

    private static TeacherForcing.Line line(
            Expected expected, int prompt, Variant variant, AdapterLease lease, int mostTokens, List<String> found) {
        Result result = variant.results().get(prompt);
        Result bare = expected.variants().getFirst().results().get(prompt);
        GreedyComparison greedy =
                new GreedyComparison(result.prompt(), result.greedyIds(), result.margins(), Tolerances.NEAR_TIE, found);
        return new TeacherForcing.Line(
                expected.prompts().get(prompt).ids(),
                lease.adapters(),
                Math.min(mostTokens, result.greedyIds().length),
                (step, logits) -> {
                    if (step == 0) {
                        double error = effectError(
                                logits, expected.sampledIds(), result.sampledLogits(), bare.sampledLogits());
                        if (!(error <= Tolerances.ofEffect())) {
                            found.add("%s: the effect is %.3f of itself off".formatted(result.prompt(), error));
                        }
                    }
                    return greedy.next(step, logits);
                });
    }

    /// Distance from the reference over the reference's distance from the bare base.
    private static double effectError(float[] logits, int[] ids, float[] reference, float[] bare) {
        double distance = 0;
        double effect = 0;
        for (int i = 0; i < ids.length; i++) {
            distance += Math.pow((double) logits[ids[i]] - reference[i], 2);
            effect += Math.pow((double) reference[i] - bare[i], 2);
        }
        return Math.sqrt(distance / effect);
    }

    private static Expected expected(String fixture) throws IOException {
        try (InputStream stream = new GZIPInputStream(
                GoldenPeftTest.class.getResourceAsStream("/golden/peft/" + fixture + "/expected.json.gz"))) {
            return JsonMapper.builder().build().readValue(stream, Expected.class);
        }
    }
}
