/// Merkle trees in OpenZeppelin's `standard-v1` form, the one that JavaScript and Solidity verify as they stand.
///
/// Starting points: [MerkleTree], [MerkleProof].
@NullMarked
package org.openlora.meter.merkle;

import org.jspecify.annotations.NullMarked;
