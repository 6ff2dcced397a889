package org.openlora.benchmarks.load;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.openlora.server.problem.Problem;

/// A pool of prompts; request `i` of a repetition takes one of its own, so that no two share a cached prefix
/// unless they are meant to.
///
/// @param source for the report: a file, or how they were drawn
public record Prompts(String source, int promptTokens, List<Prompt> prompts) {
    private static final ObjectMapper JSON = new ObjectMapper();

    public Prompts {
        prompts = List.copyOf(prompts);
        if (prompts.isEmpty()) {
            throw new IllegalArgumentException("%s holds no prompt".formatted(source));
        }
    }

    /// The prompt at any index, from the beginning again after the last.
    public Prompt at(int index) {
        return prompts.get(Math.floorMod(index, prompts.size()));
    }

    /// Reads `{"text": ..., "ids": [...]}` lines, all of equal length.
    ///
    /// @param asTokens whether to send ids instead of text
    /// @throws Problem in one line naming the file and what is wrong with it
    public static Prompts read(Path file, boolean asTokens) {
        List<Prompt> prompts = new ArrayList<>();
        int tokens = 0;
        try {
            for (String line : Files.readAllLines(file)) {
                JsonNode json = JSON.readTree(line);
                if (!json.path("text").isTextual() || !json.path("ids").isArray()) {
                    throw new Problem(
                            "line %d of %s is no prompt".formatted(prompts.size() + 1, file),
                            "each line is {\"text\": ..., \"ids\": [...]}");
                }
                tokens = Math.max(tokens, json.get("ids").size());
                List<Integer> ids = new ArrayList<>();
                json.get("ids").forEach(id -> ids.add(id.intValue()));
                prompts.add(
                        asTokens
                                ? new Prompt.Tokens(ids)
                                : new Prompt.Text(json.get("text").textValue()));
            }
        } catch (IOException e) {
            throw new Problem(
                    "the prompts in %s cannot be read: %s".formatted(file, Problem.describe(e)),
                    "name another folder with --data",
                    e);
        }
        return new Prompts(file.getFileName().toString(), tokens, prompts);
    }

    /// Random token ids of a vocabulary.
    ///
    /// @param shortest fewest tokens of a prompt
    /// @param longest most tokens of a prompt
    public static Prompts random(int count, int shortest, int longest, int vocabularySize, long seed) {
        if (shortest < 1 || longest < shortest) {
            throw new IllegalArgumentException(
                    "prompts of %d to %d tokens; allowed are 1 <= shortest <= longest".formatted(shortest, longest));
        }
        SplittableRandom random = new SplittableRandom(seed);
        List<Prompt> prompts = IntStream.range(0, count)
                .<Prompt>mapToObj(
                        _ -> new Prompt.Tokens(random.ints(random.nextInt(shortest, longest + 1), 0, vocabularySize)
                                .boxed()
                                .toList()))
                .toList();
        return new Prompts("random token ids, seed " + seed, (shortest + longest) / 2, prompts);
    }
}
