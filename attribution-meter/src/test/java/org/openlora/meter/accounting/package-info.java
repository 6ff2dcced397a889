@NullMarked
package org.openlora.meter.accounting;

import org.jspecify.annotations.NullMarked;
