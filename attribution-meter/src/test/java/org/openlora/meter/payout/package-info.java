@NullMarked
package org.openlora.meter.payout;

import org.jspecify.annotations.NullMarked;
