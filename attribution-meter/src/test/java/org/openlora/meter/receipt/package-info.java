@NullMarked
package org.openlora.meter.receipt;

import org.jspecify.annotations.NullMarked;
