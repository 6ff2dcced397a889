package org.openlora.kernels;

/// Asks for the keys and values that a thread attends to next while it attends to others, a little at a time: a run of
/// one row reads them once and computes little, so reading and computing one after the other would take both times.
final class AttentionAhead {
    private final KvLayout layout;
    private int[] table = {};
    private long base;
    private long blockBytes;
    private int nextBlock;
    private int endBlock;
    private int shares;

    AttentionAhead(KvLayout layout) {
        this.layout = layout;
    }

    /// What follows is positions `[first, end)` of a KV head; nothing when `end` is not beyond `first`.
    void aim(KvPages pages, int layer, int kvHead, int[] table, int first, int end) {
        this.table = table;
        this.base = pages.memory().address() + layout.keyOffset(0, layer, kvHead, 0);
        this.blockBytes = layout.blockBytes();
        this.nextBlock = first / layout.blockTokens();
        this.endBlock = end <= first ? nextBlock : (end - 1) / layout.blockTokens() + 1;
    }

    /// Nothing follows.
    void rest() {
        endBlock = nextBlock;
    }

    /// That many calls of [#ask] follow.
    void divide(int shares) {
        this.shares = shares;
    }

    /// Asks for the next share.
    void ask() {
        int end = nextBlock + (endBlock - nextBlock + shares - 1) / shares;
        shares--;
        for (; nextBlock < end; nextBlock++) {
            // Keys and values of a block stand one after the other.
            Prefetch.ask(base + table[nextBlock] * blockBytes, layout.pageBytes());
        }
    }
}
