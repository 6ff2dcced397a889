@NullMarked
package org.openlora.meter.lease;

import org.jspecify.annotations.NullMarked;
