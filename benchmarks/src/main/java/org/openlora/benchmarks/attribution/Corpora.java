package org.openlora.benchmarks.attribution;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.document.Sha256;

/// Writes a datanet for each adapter, large enough that searching it costs what it costs in earnest, and the manifests
/// that name them.
final class Corpora {
    private static final JsonMapper JSON = new JsonMapper();
    private static final int ROW_TOKENS = 120;
    private static final int CONTRIBUTORS = 16;
    /// Words are as frequent as words are.
    private static final double ZIPF_SHIFT = 2.7;

    private final AttributionSettings settings;
    private final Function<int[], String> decode;
    private final int vocabulary;
    private final SplittableRandom random;

    /// @param decode the text of token ids
    Corpora(AttributionSettings settings, Function<int[], String> decode, int vocabulary) {
        this.settings = settings;
        this.decode = decode;
        this.vocabulary = vocabulary;
        this.random = new SplittableRandom(settings.seed());
    }

    /// Writes one datanet per adapter into folders under `root`, and its manifest beside each adapter.
    ///
    /// @param answers by adapter, texts that stand in its datanet, each amid other words
    void write(Path root, List<Path> adapters, String baseDigest, List<List<String>> answers) throws IOException {
        for (int a = 0; a < adapters.size(); a++) {
            Path folder = Files.createDirectories(root.resolve("corpus-%02d".formatted(a)));
            writeRows(folder.resolve("rows.jsonl"), answers.get(a));
            writeYaml(folder, a);
            String datanet = Sha256.text(Datanet.read(folder).digest());
            Files.writeString(
                    adapters.get(a).resolve("adapter.yaml"), """
                    version: 1
                    name: measured-%d
                    licence: CC0-1.0
                    owner: {name: Nobody, payee: "0x%040x"}
                    base: ["%s"]
                    lineage: [{datanet: "%s", basisPoints: 10000}]
                    """.formatted(a, 0x5000 + a, baseDigest, datanet));
        }
    }

    private void writeYaml(Path folder, int adapter) throws IOException {
        String people = IntStream.range(0, CONTRIBUTORS)
                .mapToObj(c -> "  - {id: c%d, name: Contributor %d, payee: \"0x%040x\"}"
                        .formatted(c, c, 0x10000 + adapter * CONTRIBUTORS + c))
                .collect(Collectors.joining("\n"));
        Files.writeString(folder.resolve(Datanet.FILE_NAME), """
                id: corpus-%02d
                version: 1
                title: Measured corpus %d
                licence: CC0-1.0
                salt: "%064x"
                rows: rows.jsonl
                contributors:
                %s
                """.formatted(adapter, adapter, adapter + 1, people));
    }

    private void writeRows(Path file, List<String> answers) throws IOException {
        long rows = Math.max(answers.size(), settings.corpusTokens() / settings.adapters() / ROW_TOKENS);
        try (BufferedWriter writer = Files.newBufferedWriter(file)) {
            for (int row = 0; row < rows; row++) {
                // Answers lie spread among the others.
                int place = (int) (row * (long) answers.size() / rows);
                boolean begins = row == 0 || place != (int) ((row - 1) * (long) answers.size() / rows);
                String text = begins && place < answers.size()
                        ? words(ROW_TOKENS / 4) + answers.get(place) + words(ROW_TOKENS / 4)
                        : words(ROW_TOKENS);
                ObjectNode line = JSON.createObjectNode();
                line.put("contributor", "c" + row % CONTRIBUTORS).put("text", text);
                writer.write(line.toString());
                writer.write('\n');
            }
        }
    }

    private String words(int tokens) {
        return decode.apply(random.ints(tokens, 0, Integer.MAX_VALUE)
                .map(_ -> (int) Math.min(vocabulary - 1, ZIPF_SHIFT * (Math.pow(vocabulary, random.nextDouble()) - 1)))
                .toArray());
    }
}
