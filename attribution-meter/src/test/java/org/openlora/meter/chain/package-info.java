@NullMarked
package org.openlora.meter.chain;

import org.jspecify.annotations.NullMarked;
