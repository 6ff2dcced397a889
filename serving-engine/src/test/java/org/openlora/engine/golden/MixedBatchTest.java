package org.openlora.engine.golden;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.openlora.adapters.AdapterLease;
import org.openlora.engine.TeacherForcing;
import org.openlora.engine.scheduler.SchedulerConfig;
import org.openlora.engine.tokenizer.Tokenizer;
import org.openlora.engine.tokenizer.Tokenizers;
import org.openlora.kernels.Vocabulary;

/// The proof of multi-LoRA: beside any other adapter, in any chunking, a request gives bit for bit what it gives
/// alone.
class MixedBatchTest {
    private static final int TOKENS = 24;

    @Test
    void forward_everyPairOfExamples_equalsEachAloneBitwise()
            throws IOException, InterruptedException, ExecutionException {
        List<@Nullable String> names = new ArrayList<>();
        names.add(null);
        try (Stream<Path> folders = Files.list(Examples.adapters())) {
            folders.map(folder -> folder.getFileName().toString()).sorted().forEach(names::add);
        }
        compareEveryPair(Examples.adapters(), names);
    }

    @Test
    void forward_everyPairOfDoraHeadsAndEmbeddings_equalsEachAloneBitwise()
            throws IOException, InterruptedException, ExecutionException, URISyntaxException {
        Path golden = Path.of(
                MixedBatchTest.class.getResource("/golden/peft/tiny/adapters").toURI());
        List<@Nullable String> names = new ArrayList<>(List.of(
                "dora",
                "dora-head-embedding",
                "embedding",
                "head",
                "saved-embedding",
                "saved-head",
                "saved-head-embedding"));
        names.add(null);
        compareEveryPair(golden, names);
    }

    private static void compareEveryPair(Path folder, List<@Nullable String> names)
            throws IOException, InterruptedException, ExecutionException {
        try (GoldenBase base = GoldenBase.open(Examples.model(), 64);
                Tokenizer tokenizer = Tokenizers.open(Examples.model());
                LoadedAdapters adapters = new LoadedAdapters(folder, base.adaptableModules())) {
            int[] prompt = tokenizer.encode("""
                    <|im_start|>user
                    How should I spend a quiet evening?<|im_end|>
                    <|im_start|>assistant
                    """);
            List<AdapterLease> leases = new ArrayList<>();
            List<List<float[]>> alone = new ArrayList<>();
            for (String name : names) {
                AdapterLease lease = adapters.lease(name);
                leases.add(lease);
                List<float[]> logits = new ArrayList<>();
                new TeacherForcing(base.model(), new SchedulerConfig(1, 64)).run(List.of(line(prompt, lease, logits)));
                alone.add(logits);
            }
            for (int left = 0; left < names.size(); left++) {
                for (int right = left; right < names.size(); right++) {
                    List<float[]> leftLogits = new ArrayList<>();
                    List<float[]> rightLogits = new ArrayList<>();
                    // Nine rows a step: prompts are cut elsewhere than alone, and decode beside prefill.
                    new TeacherForcing(base.model(), new SchedulerConfig(2, 9))
                            .run(List.of(
                                    line(prompt, leases.get(left), leftLogits),
                                    line(prompt, leases.get(right), rightLogits)));
                    assertSameBits(leftLogits, alone.get(left), names.get(left) + " beside " + names.get(right));
                    assertSameBits(rightLogits, alone.get(right), names.get(right) + " beside " + names.get(left));
                }
            }
            leases.forEach(AdapterLease::close);
        }
    }

    private static TeacherForcing.Line line(int[] prompt, AdapterLease lease, List<float[]> kept) {
        return new TeacherForcing.Line(prompt, lease.adapters(), TOKENS, (step, logits) -> {
            kept.add(logits);
            return Vocabulary.argmax(logits, 0, logits.length);
        });
    }

    private static void assertSameBits(List<float[]> actual, List<float[]> expected, String name) {
        assertThat(actual).hasSize(TOKENS);
        for (int step = 0; step < TOKENS; step++) {
            if (GoldenBase.isLibtorch()) {
                assertThat(Vocabulary.argmax(actual.get(step), 0, actual.get(step).length))
                        .as("%s, step %d", name, step)
                        .isEqualTo(Vocabulary.argmax(expected.get(step), 0, expected.get(step).length));
            } else {
                assertThat(actual.get(step)).as("%s, step %d", name, step).isEqualTo(expected.get(step));
            }
        }
    }
}
