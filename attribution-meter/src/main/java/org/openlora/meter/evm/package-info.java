/// The EVM's words as Java values: 32-byte words, addresses, hex and Keccak-256.
///
/// Starting points: [Bytes32], [Address], [Keccak256].
@NullMarked
package org.openlora.meter.evm;

import org.jspecify.annotations.NullMarked;
