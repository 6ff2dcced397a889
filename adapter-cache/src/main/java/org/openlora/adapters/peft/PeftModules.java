package org.openlora.adapters.peft;

import java.util.List;
import java.util.stream.LongStream;
import org.openlora.adapters.AdapterSize;

/// All that an adapter changes.
///
/// @param adapted modules with a low-rank pair, in the order of layer, point and output; at least one
/// @param saved modules that it brings whole, the head before the embedding
record PeftModules(List<PeftModule> adapted, List<SavedModule> saved) {
    PeftModules {
        adapted = List.copyOf(adapted);
        saved = List.copyOf(saved);
    }

    AdapterSize size() {
        return AdapterSize.of(LongStream.concat(
                adapted.stream().mapToLong(PeftModule::residentBytes),
                saved.stream().mapToLong(SavedModule::residentBytes)));
    }
}
