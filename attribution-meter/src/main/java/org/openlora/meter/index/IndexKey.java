package org.openlora.meter.index;

import org.openlora.meter.evm.Bytes32;

/// What an index is of.
///
/// @param datanet the datanet's digest
/// @param tokenizer digest of the tokenizer that cut its rows
/// @param root the corpus root, which both make
public record IndexKey(Bytes32 datanet, Bytes32 tokenizer, Bytes32 root) {}
