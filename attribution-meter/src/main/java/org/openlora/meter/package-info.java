/// The meter: usage rows in, signed receipts and sealed batches out.
///
/// Starting points: [Meter].
@NullMarked
package org.openlora.meter;

import org.jspecify.annotations.NullMarked;
