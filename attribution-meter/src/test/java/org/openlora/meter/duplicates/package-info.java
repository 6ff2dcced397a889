@NullMarked
package org.openlora.meter.duplicates;

import org.jspecify.annotations.NullMarked;
