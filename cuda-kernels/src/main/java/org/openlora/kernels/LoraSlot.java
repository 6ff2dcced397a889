package org.openlora.kernels;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// The resident weights of one adapter.
@FunctionalInterface
public interface LoraSlot {
    /// The low-rank pairs that the adapter has at a point of a layer, in the order in which they are added;
    /// empty where it has none. Several pairs (q, k and v, say) have output ranges of their own.
    List<LoraModule> modules(int layer, LoraPoint point);

    /// How the adapter scales the base's own result at a point of a layer; empty where it does not, as all but
    /// weight-decomposed adapters (DoRA). Several scales have output ranges of their own.
    default List<DoraScale> scales(int layer, LoraPoint point) {
        return List.of();
    }

    /// The token embedding that the adapter brings in the place of the base's; null where it leaves the base's.
    default @Nullable SavedEmbedding savedEmbedding() {
        return null;
    }

    /// The head that the adapter brings in the place of the base's, as [PanelKernel] packs it; null where it leaves
    /// the base's.
    default @Nullable PackedMatrix savedHead() {
        return null;
    }

    /// The tag of whose weights these are, read from memory ahead of the weights themselves: the first 8 bytes
    /// of the adapter's digest, big-endian. A step compares it with what its rows asked for.
    ///
    /// Throws [UnsupportedOperationException] where weights were made up and belong to no adapter.
    default long tag() {
        throw new UnsupportedOperationException("these weights belong to no adapter");
    }
}
