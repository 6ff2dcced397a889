/// What a receipt charges for, by kind of token.
///
/// Starting points: [ChargeLines], [ChargeLine].
@NullMarked
package org.openlora.meter.accounting.charges;

import org.jspecify.annotations.NullMarked;
