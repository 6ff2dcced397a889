package org.openlora.meter.index;

/// The rows of a corpus, as a tokenizer cuts them.
public interface RowTokens {
    /// How many rows there are.
    int size();

    /// The token ids of a row, from 0 up; may be empty. Asked for once each, in order.
    int[] tokens(int row);
}
