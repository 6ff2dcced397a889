/// The operator's key on the disk and in the environment: encrypted keystore files (Web3 Secret Storage, version 3),
/// where their password comes from, and which accounts have signed for the operator.
///
/// Starting points: [OperatorKeys], [Keystore].
@NullMarked
package org.openlora.meter.keys;

import org.jspecify.annotations.NullMarked;
