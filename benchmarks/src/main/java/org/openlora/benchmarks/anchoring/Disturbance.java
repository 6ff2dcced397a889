package org.openlora.benchmarks.anchoring;

/// What a campaign does to the flusher and to its chain.
enum Disturbance {
    /// SIGKILL of the flusher's process, at a random moment.
    KILL,
    /// The last one to three blocks are replaced by empty ones; their transactions are gone for good.
    REORG,
    /// The chain goes back to a state of some blocks ago.
    REVERT,
    /// The node is ended and started again with the state that it kept.
    RESTART,
    /// The node is killed: the chain goes back to the last kept state, far below what was final.
    NODE_KILL,
    /// Somebody else uses the account's next nonce.
    THEFT,
    /// The mempool loses everything.
    DROP,
    /// Somebody else sends a transaction with a nonce of the future.
    FUTURE_NONCE,
    /// The base fee jumps to 300 gwei and falls from there.
    FEE_SPIKE
}
