package org.openlora.kernels;

/// Where keys and values stand in [KvPages]: per block, per layer, per KV head a K page and a V page of bf16,
/// both in the panels of [PanelTiles], so that attention's two products run in the loops of the dense layers.
///
/// - A K page is `Kᵀ`: panels of `2L` tokens, each `[headDim][L]` ints.
/// - A V page: panels of `2L` dimensions, each `[blockTokens][L]` ints.
///
/// Pages are padded to whole panels: `blockTokens` is best a multiple of [#preferredBlockTokens], `headDim` of
/// `2L`.
public record KvLayout(int layers, int kvHeads, int headDim, int blockTokens) {
    public KvLayout {
        Shapes.positive("layers", layers);
        Shapes.positive("kvHeads", kvHeads);
        Shapes.positive("headDim", headDim);
        Shapes.positive("blockTokens", blockTokens);
    }

    /// Smallest block, of at least 16 tokens, whose K pages need no padding at this process's vector width.
    public static int preferredBlockTokens() {
        return Math.max(16, Lanes.PANEL);
    }

    /// Bytes of one block: K and V of all layers.
    public long blockBytes() {
        return layers * layerBytes();
    }

    /// Offset of a K page.
    long keyOffset(int block, int layer, int kvHead) {
        return block * blockBytes() + layer * layerBytes() + kvHead * (keyPageBytes() + valuePageBytes());
    }

    /// Offset of a V page.
    long valueOffset(int block, int layer, int kvHead) {
        return keyOffset(block, layer, kvHead) + keyPageBytes();
    }

    /// Offset of element `dimension` of `token` within a K page.
    long keyElement(int token, int dimension) {
        return token / Lanes.PANEL * keyPanelBytes() + element(dimension, token % Lanes.PANEL);
    }

    /// Offset of element `dimension` of `token` within a V page.
    long valueElement(int token, int dimension) {
        return dimension / Lanes.PANEL * valuePanelBytes() + element(token, dimension % Lanes.PANEL);
    }

    /// Panels of a K page.
    int keyPanels() {
        return panels(blockTokens);
    }

    /// Panels of a V page.
    int valuePanels() {
        return panels(headDim);
    }

    long keyPanelBytes() {
        return (long) headDim * PanelTiles.STEP_BYTES;
    }

    long valuePanelBytes() {
        return (long) blockTokens * PanelTiles.STEP_BYTES;
    }

    private long layerBytes() {
        return kvHeads * (keyPageBytes() + valuePageBytes());
    }

    private long keyPageBytes() {
        return keyPanels() * keyPanelBytes();
    }

    private long valuePageBytes() {
        return valuePanels() * valuePanelBytes();
    }

    private static int panels(int columns) {
        return (columns + Lanes.PANEL - 1) / Lanes.PANEL;
    }

    /// Column `j` of a panel is the low half of lane `j`, column `j + L` its high half.
    private static long element(int row, int column) {
        return (long) row * PanelTiles.STEP_BYTES
                + (long) (column % Lanes.COUNT) * Integer.BYTES
                + (long) (column / Lanes.COUNT) * Bf16.BYTES;
    }
}
