/// Integer arithmetic that anyone can repeat to the last unit: shares that conserve their sum, logarithms in
/// fixed point.
///
/// Starting points: [LargestRemainder], [FixedPointLog2].
@NullMarked
package org.openlora.meter.exact;

import org.jspecify.annotations.NullMarked;
