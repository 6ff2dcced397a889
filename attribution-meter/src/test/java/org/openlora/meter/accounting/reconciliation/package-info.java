@NullMarked
package org.openlora.meter.accounting.reconciliation;

import org.jspecify.annotations.NullMarked;
