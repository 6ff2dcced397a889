package org.openlora.kernels;

/// How the two matrices of a [LoraModule] lie in memory: as the kernel wants it that multiplies them. One for a
/// process, because a slot's memory is written once and read by that kernel alone.
public enum LoraLayout {
    /// Rank rows, each vector across inputs (A) or outputs (B), for [RankRowLoops] on any processor.
    RANK_ROWS,
    /// Pairs of inputs (A) or of rank rows (B), each vector across rank rows or outputs, for [PairLoops] on processors
    /// that multiply pairs of bf16 numbers.
    PAIRS
}
