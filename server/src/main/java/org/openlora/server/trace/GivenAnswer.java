package org.openlora.server.trace;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.openlora.engine.tokenizer.Tokenizer;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.usage.TokenHashes;
import org.openlora.meter.usage.TokenIds;
import org.openlora.server.problem.Problem;

/// An answer as somebody kept it, which a receipt's salted hash takes for the one it is about, or not.
///
/// @param tokens its ids where they are known; otherwise empty
/// @param texts what it may have been, most likely first
record GivenAnswer(Path file, List<Integer> tokens, List<String> texts) {
    private static final JsonMapper JSON = new JsonMapper();

    GivenAnswer {
        tokens = List.copyOf(tokens);
        texts = List.copyOf(texts);
    }

    /// Reads what `openlora generate --json` or the HTTP API answered, `{"output": [ids]}`, or the text as it stands.
    ///
    /// @throws Problem where the file cannot be read
    static GivenAnswer read(Path file) {
        String content;
        try {
            content = Files.readString(file);
        } catch (MalformedInputException e) {
            throw new Problem("%s is not UTF-8".formatted(file), "give the answer's text, or its JSON", e);
        } catch (IOException e) {
            throw new Problem("%s cannot be read: %s".formatted(file, Problem.describe(e)), "name a readable file", e);
        }
        JsonNode json;
        try {
            json = content.stripLeading().startsWith("{") ? JSON.readTree(content) : JSON.missingNode();
        } catch (JsonProcessingException e) {
            json = JSON.missingNode(); // An answer may begin with a brace.
        }
        for (String name : List.of("tokens", "output")) {
            if (json.path(name).isArray()) {
                List<Integer> ids = new ArrayList<>();
                json.path(name).forEach(id -> ids.add(id.asInt(-1)));
                if (ids.stream().allMatch(id -> id >= 0)) {
                    return new GivenAnswer(file, ids, List.of());
                }
            }
        }
        JsonNode choice = json.path("choices").path(0);
        for (JsonNode text : List.of(choice.path("text"), choice.path("message").path("content"), json.path("text"))) {
            if (text.isTextual()) {
                return new GivenAnswer(file, List.of(), List.of(text.asText()));
            }
        }
        return new GivenAnswer(file, List.of(), List.copyOf(asTyped(content)));
    }

    /// Editors and shells end a file with a line feed that the model did not say.
    private static Set<String> asTyped(String content) {
        Set<String> texts = new LinkedHashSet<>(List.of(content));
        if (content.endsWith("\n")) {
            texts.add(content.substring(0, content.length() - 1));
        }
        texts.add(content.strip());
        texts.add(" " + content.strip());
        return texts;
    }

    /// The ids that a receipt is about.
    ///
    /// @param salt of the request
    /// @param outputHash of the receipt
    /// @throws Problem where this is not the answer, or its ids cannot be told from its text
    TokenIds matching(Tokenizer tokenizer, Bytes32 salt, Bytes32 outputHash) {
        return candidates(tokenizer).stream()
                .filter(ids -> TokenHashes.output(salt, ids).equals(outputHash))
                .findFirst()
                .orElseThrow(() -> new Problem(
                        "%s is not the answer that the receipt is about: its salted hash is another".formatted(file),
                        tokens.isEmpty()
                                ? "a text can be cut into tokens in several ways: give the ids that were streamed, as"
                                        + " openlora generate --json writes them"
                                : "check the request id and the file"));
    }

    /// The ids as given; or the text as the tokenizer cuts it, ended by no special token or by any.
    private List<TokenIds> candidates(Tokenizer tokenizer) {
        List<TokenIds> candidates = new ArrayList<>();
        if (!tokens.isEmpty()) {
            candidates.add(
                    TokenIds.of(tokens.stream().mapToInt(Integer::intValue).toArray()));
        }
        int[] specials = IntStream.range(0, tokenizer.vocabularySize())
                .filter(tokenizer::isSpecial)
                .toArray();
        for (String text : texts) {
            int[] ids = encode(tokenizer, text);
            candidates.add(TokenIds.of(ids));
            for (int special : specials) {
                int[] ended = Arrays.copyOf(ids, ids.length + 1);
                ended[ids.length] = special;
                candidates.add(TokenIds.of(ended));
            }
        }
        return candidates;
    }

    private int[] encode(Tokenizer tokenizer, String text) {
        try {
            return tokenizer.encode(text);
        } catch (IllegalArgumentException e) {
            throw new Problem("%s: %s".formatted(file, Problem.describe(e)), "give the answer's text as UTF-8", e);
        }
    }
}
