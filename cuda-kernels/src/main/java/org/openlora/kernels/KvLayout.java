package org.openlora.kernels;

/// Where keys and values stand in [KvPages]: per block, per layer, per KV head a K page and a V page of bf16, two
/// numbers to an int as in the panels of the dense layers (L = float lanes, see [Lanes]).
///
/// - A K page is `[headDim / 2][blockTokens]` ints: int `(p, t)` holds dimension `p` of token `t` in its low half
///   and dimension `p + headDim / 2` in its high half. L tokens are a vector, so 16 tokens need no padding at any
///   width.
/// - A V page is `[⌈headDim / 2L⌉][blockTokens][L]` ints, panels of `2L` dimensions: dimension `j` of a panel is the
///   low half of int `j`, dimension `j + L` its high half; padded with zeros.
///
/// @param headDim even
/// @param blockTokens a multiple of 16
public record KvLayout(int layers, int kvHeads, int headDim, int blockTokens) {
    /// Block sizes are multiples of this.
    public static final int TOKENS_MULTIPLE = 16;

    public KvLayout {
        Shapes.positive("layers", layers);
        Shapes.positive("kvHeads", kvHeads);
        multiple("headDim", headDim, 2);
        multiple("blockTokens", blockTokens, TOKENS_MULTIPLE);
    }

    /// Bytes of one block: K and V of all layers.
    public long blockBytes() {
        return layers * layerBytes();
    }

    /// Offset of token `token` within the K page of a block, dimensions 0 and `headDim / 2`.
    long keyOffset(int block, int layer, int kvHead, int token) {
        return pageOffset(block, layer, kvHead) + (long) token * Integer.BYTES;
    }

    /// Offset of token `token` within the first panel of the V page of a block.
    long valueOffset(int block, int layer, int kvHead, int token) {
        return pageOffset(block, layer, kvHead) + keyPageBytes() + token * valueStepBytes();
    }

    /// Bytes of a K page and the V page that follows it.
    long pageBytes() {
        return keyPageBytes() + valuePageBytes();
    }

    /// Pairs of dimensions in a K page.
    int keyPairs() {
        return headDim / 2;
    }

    /// Bytes from one pair of dimensions to the next.
    long keyStepBytes() {
        return (long) blockTokens * Integer.BYTES;
    }

    /// Panels of a V page.
    int valuePanels() {
        return (headDim + Lanes.PANEL - 1) / Lanes.PANEL;
    }

    /// Bytes from one panel of a V page to the next.
    long valuePanelBytes() {
        return blockTokens * valueStepBytes();
    }

    /// Bytes from one token of a panel to the next.
    long valueStepBytes() {
        return (long) Lanes.COUNT * Integer.BYTES;
    }

    private long pageOffset(int block, int layer, int kvHead) {
        return block * blockBytes() + layer * layerBytes() + kvHead * pageBytes();
    }

    private long layerBytes() {
        return kvHeads * pageBytes();
    }

    private long keyPageBytes() {
        return keyPairs() * keyStepBytes();
    }

    private long valuePageBytes() {
        return valuePanels() * valuePanelBytes();
    }

    private static void multiple(String name, int value, int of) {
        if (Shapes.positive(name, value) % of != 0) {
            throw new IllegalArgumentException(name + " is " + value + ", must be a multiple of " + of);
        }
    }
}
