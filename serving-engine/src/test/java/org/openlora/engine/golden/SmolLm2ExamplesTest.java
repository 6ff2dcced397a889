package org.openlora.engine.golden;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.Digest;
import org.openlora.engine.TeacherForcing;
import org.openlora.engine.scheduler.SchedulerConfig;

/// The example adapters of a real model answer as Transformers and PEFT let them (`examples/smollm2/answers.json`).
class SmolLm2ExamplesTest {
    private static final JsonMapper JSON = new JsonMapper();

    @Test
    void forward_exampleAdapters_giveTheAnswersOfTransformersAndPeft()
            throws IOException, InterruptedException, ExecutionException {
        Optional<Path> gguf = SmolLm2File.find();
        Assumptions.assumeTrue(gguf.isPresent(), SmolLm2File.REASON);
        Path folder = Examples.smollm2();
        JsonNode digests = JSON.readTree(folder.resolve("digests.json").toFile());
        JsonNode answers = JSON.readTree(folder.resolve("answers.json").toFile());
        try (GoldenBase base = GoldenBase.open(gguf.orElseThrow(), 256);
                LoadedAdapters adapters = new LoadedAdapters(folder.resolve("adapters"), base.adaptableModules())) {
            assertThat(base.checkpoint().digest())
                    .isEqualTo(Digest.parse(digests.get("base").asText()));
            List<String> wrong = new ArrayList<>();
            List<TeacherForcing.Line> lines = new ArrayList<>();
            Map<String, AdapterLease> leases = new HashMap<>();
            for (JsonNode answer : answers) {
                if (answer.get("adapter").isNull()) {
                    continue;
                }
                String adapter = answer.get("adapter").asText();
                if (!leases.containsKey(adapter)) {
                    String digest =
                            digests.at("/adapters/" + adapter + "/digest").asText();
                    assertThat(adapters.digest(adapter)).isEqualTo(Digest.parse(digest));
                    leases.put(adapter, adapters.lease(adapter));
                }
                lines.add(line(answer, leases.get(adapter), wrong));
            }
            assertThat(leases).hasSizeGreaterThanOrEqualTo(2);
            new TeacherForcing(base.model(), new SchedulerConfig(32, 256)).run(lines);
            leases.values().forEach(AdapterLease::close);
            assertThat(wrong).isEmpty();
        }
    }

    /// The file has the smallest margin of each answer, which is taken for that of all its tokens.
    private static TeacherForcing.Line line(JsonNode answer, AdapterLease lease, List<String> wrong) {
        int[] output = ids(answer.get("outputIds"));
        float[] margins = new float[output.length];
        Arrays.fill(margins, answer.get("minMargin").floatValue());
        String name =
                answer.get("adapter").asText() + "/" + answer.get("prompt").asText();
        GreedyComparison greedy = new GreedyComparison(name, output, margins, Tolerances.NEAR_TIE, wrong);
        return new TeacherForcing.Line(ids(answer.get("promptIds")), lease.adapters(), output.length, greedy);
    }

    private static int[] ids(JsonNode list) {
        int[] ids = new int[list.size()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = list.get(i).intValue();
        }
        return ids;
    }
}
