@NullMarked
package org.openlora.meter.merkle;

import org.jspecify.annotations.NullMarked;
