@NullMarked
package org.openlora.meter.index;

import org.jspecify.annotations.NullMarked;
