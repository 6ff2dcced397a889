package org.openlora.engine.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.openlora.engine.weights.ModelLoadException;

/// Which token each id is, from the `model.vocab` and `added_tokens` of a `tokenizer.json`.
final class TokenTable {
    private static final int MAX_IDS = 1 << 22;

    private final @Nullable String[] tokens;
    private final BitSet special = new BitSet();
    private final Map<String, Integer> ids;

    private TokenTable(int size, Map<String, Integer> ids) {
        this.tokens = new @Nullable String[size];
        this.ids = ids;
    }

    static TokenTable of(String file, ObjectNode json) {
        String type = json.path("model").path("type").asText("none");
        if (!type.equals("BPE")) {
            throw new ModelLoadException("%s: model.type %s is not supported; BPE is".formatted(file, type));
        }
        Map<String, Integer> ids = new HashMap<>();
        for (var entry : json.path("model").path("vocab").properties()) {
            ids.put(entry.getKey(), id(file, entry.getKey(), entry.getValue()));
        }
        for (JsonNode added : json.path("added_tokens")) {
            String content = added.path("content").asText();
            ids.put(content, id(file, content, added.path("id")));
        }
        int size = ids.values().stream().mapToInt(id -> id + 1).max().orElse(0);
        if (size == 0) {
            throw new ModelLoadException("%s: model.vocab is empty or missing".formatted(file));
        }
        TokenTable table = new TokenTable(size, ids);
        ids.forEach((token, id) -> table.put(file, token, id));
        for (JsonNode added : json.path("added_tokens")) {
            table.special.set(added.path("id").asInt(), added.path("special").asBoolean());
        }
        return table;
    }

    private static int id(String file, String token, JsonNode id) {
        if (!id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() < 0 || id.intValue() >= MAX_IDS) {
            throw new ModelLoadException(
                    "%s: token %s has the id %s; allowed are 0 to %d".formatted(file, token, id, MAX_IDS - 1));
        }
        return id.intValue();
    }

    private void put(String file, String token, int id) {
        String other = tokens[id];
        if (other != null) {
            throw new ModelLoadException("%s: tokens %s and %s have the same id %d".formatted(file, other, token, id));
        }
        tokens[id] = token;
    }

    int size() {
        return tokens.length;
    }

    @Nullable
    String token(int id) {
        return id >= 0 && id < tokens.length ? tokens[id] : null;
    }

    boolean isSpecial(int id) {
        return id >= 0 && special.get(id);
    }

    OptionalInt id(String token) {
        Integer id = ids.get(token);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }
}
