package org.openlora.engine.kv;

/// Keys and values to be copied before a step runs: all tokens and layers of block `from` into block `to`.
public record BlockCopy(int from, int to) {}
