package org.openlora.engine.model;

/// A decoder with its key/value cache, as the engine sees it. Called by the engine thread only.
public interface CausalLm {
    int vocabularySize();

    /// Most tokens of one sequence.
    int contextLength();

    /// Size of the sliding attention window, 0 for none.
    int slidingWindow();

    /// Blocks of the key/value cache.
    int kvBlocks();

    /// Tokens of one block.
    int blockTokens();

    /// Copies all of a block's keys and values.
    void copyBlock(int from, int to);

    /// Computes the batch and keeps its keys and values.
    ///
    /// @return logits of `batch.logitRows()`, one row of `vocabularySize` each, valid until the next call
    float[] forward(ForwardBatch batch);
}
