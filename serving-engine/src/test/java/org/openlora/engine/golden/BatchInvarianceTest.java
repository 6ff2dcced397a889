package org.openlora.engine.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.engine.TeacherForcing;
import org.openlora.engine.model.LlamaModel;
import org.openlora.engine.scheduler.SchedulerConfig;
import org.openlora.engine.tensor.GemmSettings;
import org.openlora.engine.tokenizer.Tokenizer;
import org.openlora.engine.tokenizer.Tokenizers;
import org.openlora.kernels.CpuFeatures;
import org.openlora.kernels.Vocabulary;

/// Whatever happens to a request, its logits are bit for bit those it has alone: in any company, under any chunking,
/// after a preemption, behind a prefix that another request computed, as one of several choices.
///
/// Always on our own kernels, all that the processor can run. More seeds: `-Dopenlora.invariance.seeds=N`; another
/// model: `-Dopenlora.invariance.model=DIR -Dopenlora.invariance.adapters=DIR`.
class BatchInvarianceTest {
    private static final int TOKENS = 10;
    private static final int MOST_ADAPTERS = 4;
    private static final Path MODEL = folder("openlora.invariance.model", Examples.model());
    private static final Path ADAPTERS = folder("openlora.invariance.adapters", Examples.adapters());
    private static final int SEEDS = Integer.getInteger("openlora.invariance.seeds", 5);

    /// A request and the logits that it has alone, step by step.
    @SuppressWarnings("ArrayRecordComponent") // Read only; never compared.
    private record Known(String name, int[] prompt, List<ResidentAdapter> adapters, List<float[]> logits) {}

    private static Path folder(String property, Path otherwise) {
        String value = System.getProperty(property, "");
        return value.isEmpty() ? otherwise : Path.of(value);
    }

    @ParameterizedTest
    @EnumSource(names = {"PANEL", "DOT"})
    void forward_randomCompany_equalsAloneBitwise(GemmSettings.Mode ours)
            throws IOException, InterruptedException, ExecutionException {
        assumeTrue(
                ours == GemmSettings.Mode.PANEL || CpuFeatures.detect().avx512Bf16(),
                "the processor does not multiply bf16 in vectors");
        List<@Nullable String> names = new ArrayList<>();
        names.add(null);
        try (Stream<Path> folders = Files.list(ADAPTERS)) {
            folders.map(folder -> folder.getFileName().toString())
                    .sorted()
                    .limit(MOST_ADAPTERS)
                    .forEach(names::add);
        }
        try (GoldenBase base = GoldenBase.open(MODEL, 128, ours);
                Tokenizer tokenizer = Tokenizers.open(MODEL);
                LoadedAdapters adapters = new LoadedAdapters(ADAPTERS, base.adaptableModules())) {
            List<AdapterLease> leases = new ArrayList<>();
            for (String name : names) {
                leases.add(adapters.lease(name));
            }
            List<Known> known = alone(base.model(), tokenizer, names, leases);
            long preemptions = 0;
            long cachedTokens = 0;
            long copies = 0;
            for (int seed = 0; seed < SEEDS; seed++) {
                TeacherForcing.Run run = together(base.model(), known, seed);
                preemptions += run.preemptions();
                cachedTokens += run.cachedTokens();
                copies += run.copies();
            }
            assertThat(preemptions).as("memory was meant to be short").isPositive();
            assertThat(cachedTokens).as("prefixes were meant to be shared").isPositive();
            assertThat(copies).as("blocks were meant to be copied on write").isPositive();
            leases.forEach(AdapterLease::close);
        }
    }

    private static List<Known> alone(
            LlamaModel model, Tokenizer tokenizer, List<@Nullable String> names, List<AdapterLease> leases) {
        String shared = """
                <|im_start|>system
                You answer in one short sentence, and you never mention the weather, for nobody asked about it.<|im_end|>
                <|im_start|>user
                """;
        List<Known> known = new ArrayList<>();
        for (String question : List.of("Why?", "How should I spend a quiet evening with a book and some bread?")) {
            int[] prompt = tokenizer.encode(shared + question + "<|im_end|>\n<|im_start|>assistant\n");
            for (int i = 0; i < names.size(); i++) {
                List<ResidentAdapter> adapters = leases.get(i).adapters();
                List<float[]> logits = new ArrayList<>();
                new TeacherForcing(model, new SchedulerConfig(1, 128).withPrefixCaching(false))
                        .run(List.of(new TeacherForcing.Line(prompt, adapters, TOKENS, (step, row) -> {
                            logits.add(row);
                            return Vocabulary.argmax(row, 0, row.length);
                        })));
                known.add(new Known(names.get(i) + ": " + question, prompt, adapters, logits));
            }
        }
        return known;
    }

    private static TeacherForcing.Run together(LlamaModel model, List<Known> known, int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int rows = 6 + random.nextInt(random.nextBoolean() ? 16 : 120);
        SchedulerConfig config = new SchedulerConfig(1 + random.nextInt(6), rows)
                .withPrefillTokensBesideDecode(1 + random.nextInt(rows));
        int longest = known.stream().mapToInt(one -> one.prompt().length).max().orElseThrow() + TOKENS;
        int blocks = Math.ceilDiv(longest, model.blockTokens()) + random.nextInt(12);
        List<TeacherForcing.Line> lines = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            Known one = known.get(random.nextInt(known.size()));
            List<TeacherForcing.Teacher> teachers = new ArrayList<>();
            for (int choice = random.nextInt(3); choice >= 0; choice--) {
                String where = "seed " + seed + ", " + one.name();
                teachers.add((step, row) -> {
                    assertThat(row)
                            .as("%s, step %d", where, step)
                            .isEqualTo(one.logits().get(step));
                    return Vocabulary.argmax(row, 0, row.length);
                });
            }
            lines.add(new TeacherForcing.Line(random.nextInt(20), one.prompt(), one.adapters(), TOKENS, teachers));
        }
        return new TeacherForcing(model, config, blocks).run(lines);
    }
}
