@NullMarked
package org.openlora.meter.accounting.period;

import org.jspecify.annotations.NullMarked;
