/// Closing of months: what a period of an account holds, pinned once it is closed, and who opened it again.
///
/// Starting points: [Periods], [PeriodTotals].
@NullMarked
package org.openlora.meter.accounting.period;

import org.jspecify.annotations.NullMarked;
