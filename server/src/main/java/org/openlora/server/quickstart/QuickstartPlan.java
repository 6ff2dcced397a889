package org.openlora.server.quickstart;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.openlora.server.config.YamlDocument;
import org.openlora.server.problem.Problem;
import org.openlora.server.serving.ServedAdapter;

/// What the quickstart asks, of whom.
///
/// @param items at least five, for a batch that is mixed wherever there are adapters
record QuickstartPlan(List<Item> items) {
    private static final int LEAST_ITEMS = 5;

    QuickstartPlan {
        items = List.copyOf(items);
    }

    /// One request.
    ///
    /// @param adapter null for the bare base
    record Item(@Nullable String adapter, String prompt) {
        String label() {
            return adapter == null ? "base" : adapter;
        }
    }

    /// Reads `prompts.yaml`. Where its adapters are not served (another model, another adapter root), those that are
    /// take their places; where none is, the base answers different prompts.
    static QuickstartPlan read(Path file, List<ServedAdapter> adapters) {
        JsonNode document;
        try {
            document = YamlDocument.parse(Files.readString(file), file.toString()).tree();
        } catch (IOException e) {
            throw new Problem("%s cannot be read: %s".formatted(file, Problem.describe(e)), "restore it", e);
        }
        List<Item> written = new ArrayList<>();
        for (JsonNode item : document.path("quickstart")) {
            String adapter = item.path("adapter").isTextual() ? item.path("adapter").textValue() : null;
            written.add(new Item(adapter, item.path("prompt").asText()));
        }
        List<String> prompts = new ArrayList<>();
        document.path("prompts").forEach(prompt -> prompts.add(prompt.asText()));
        if (written.size() < LEAST_ITEMS || prompts.size() < LEAST_ITEMS) {
            throw new Problem(
                    "%s names fewer than %d prompts or quickstart requests".formatted(file, LEAST_ITEMS), "restore it");
        }
        return adapt(written, prompts, adapters);
    }

    private static QuickstartPlan adapt(List<Item> written, List<String> prompts, List<ServedAdapter> adapters) {
        List<String> served = adapters.stream()
                .filter(ServedAdapter.Ready.class::isInstance)
                .map(ServedAdapter::name)
                .toList();
        Set<String> known = Set.copyOf(served);
        if (written.stream().allMatch(item -> item.adapter() == null || known.contains(item.adapter()))) {
            return new QuickstartPlan(written);
        }
        List<Item> items = new ArrayList<>();
        items.add(new Item(null, prompts.getFirst()));
        for (int i = 0; items.size() < LEAST_ITEMS; i++) {
            items.add(
                    i < served.size()
                            ? new Item(served.get(i), prompts.getFirst())
                            : new Item(null, prompts.get(items.size())));
        }
        return new QuickstartPlan(items);
    }
}
