package org.openlora.server.http;

import java.util.List;
import org.openlora.server.serving.AdapterChoice;

/// What the `model` of a request stands for: the base by its served name or by an empty one, an adapter by its own
/// name or behind the base's (`base:adapter`).
record ModelNames(String base) {
    private static final int AS_TRAINED_PPM = 1_000_000;

    /// The adapters of a request; whether there is one of that name, the stack finds out.
    List<AdapterChoice> adapters(String model) {
        if (model.isEmpty() || model.equals(base)) {
            return List.of();
        }
        String prefix = base + ":";
        String adapter = model.startsWith(prefix) ? model.substring(prefix.length()) : model;
        return List.of(new AdapterChoice.ByName(adapter, AS_TRAINED_PPM));
    }

    /// The name that an answer bears.
    String shown(String model) {
        return model.isEmpty() ? base : model;
    }
}
