@NullMarked
package org.openlora.meter.keys;

import org.jspecify.annotations.NullMarked;
