package org.openlora.engine;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.kernels.LoraSlot;

/// What a request may do with an adapter that brings head or embedding whole: such a matrix is put in the place of the
/// base's, so that it can be neither scaled nor added to another adapter's.
final class SavedModules {
    private SavedModules() {}

    /// Why a request cannot be served with the adapters of its lease; null if it can.
    ///
    /// @param asked by the request, the adapters of `lease` in any order
    static @Nullable EngineException refusal(List<AdapterSelection> asked, AdapterLease lease) {
        for (ResidentAdapter adapter : lease.adapters()) {
            String modules = modules(adapter.weights());
            if (modules.isEmpty()) {
                continue;
            }
            if (asked.size() > 1) {
                return invalid("adapter " + adapter.digest() + " replaces the base's " + modules
                        + " (modules_to_save): it must be the request's only adapter, not one of " + asked.size());
            }
            AdapterSelection selection = asked.getFirst();
            if (selection.scalePpm() != AdapterSelection.UNIT_SCALE_PPM) {
                return invalid("adapter " + adapter.digest() + " replaces the base's " + modules
                        + " (modules_to_save): its scale is "
                        + selection.scalePpm() / (double) AdapterSelection.UNIT_SCALE_PPM + ", allowed is 1");
            }
        }
        return null;
    }

    private static String modules(LoraSlot weights) {
        String embedding = weights.savedEmbedding() == null ? "" : "embed_tokens";
        String head = weights.savedHead() == null ? "" : "lm_head";
        return embedding.isEmpty() || head.isEmpty() ? embedding + head : embedding + " and " + head;
    }

    private static EngineException invalid(String message) {
        return new EngineException(EngineException.Code.INVALID_REQUEST, message);
    }
}
